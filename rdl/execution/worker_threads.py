"""Runs several units of work at once in one process, in a thread each, with results in the units' order."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rdl.execution.units import UnitT

_thread = threading.local()


class Stopped(BaseException):
    """Ends a unit whose result is no longer needed. Not an error, so no handler of errors should catch it."""


def worker_slot() -> int:
    """Index of this thread's worker slot, from 0; threads at work at once have different slots."""
    return getattr(_thread, "slot", 0)


def raise_if_stopped() -> None:
    """Long units of work call this now and then.

    Raises:
      Stopped: the result of this thread's unit is no longer needed.
    """
    workers = getattr(_thread, "workers", None)
    if workers is not None:
        workers.raise_if_stopped()


class WorkerThreads:
    """Threads that each run one unit at a time.

    Args:
      at_once: number of threads.
    """

    def __init__(self, at_once: int):
        self._at_once, self._stopped = at_once, threading.Event()
        slots = itertools.count()

        def begin() -> None:
            _thread.slot, _thread.workers = next(slots), self

        self._pool = ThreadPoolExecutor(at_once, "unit", initializer=begin)

    def map(self, task: Callable[[UnitT], UnitT], units: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the finished units in the order of `units`.

        At most twice as many units as threads are at work or wait to be yielded, so that a kill loses few of them.
        """
        waiting = iter(units)
        running: list[Future[UnitT]] = []
        try:
            while True:
                for unit in itertools.islice(waiting, 2 * self._at_once - len(running)):
                    running.append(self._pool.submit(task, unit))
                if not running:
                    return
                yield running.pop(0).result()
        finally:
            self.close()

    def raise_if_stopped(self) -> None:
        """Raises `Stopped` after `close`."""
        if self._stopped.is_set():
            raise Stopped

    def close(self) -> None:
        """Stops units at work where they call `raise_if_stopped`, and waits for them."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
