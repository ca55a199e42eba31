"""Units of work at once in one process: a thread each, results in the units' order."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rdl.execution.units import UnitT

_here = threading.local()


class Stopped(BaseException):
    """Ends a unit whose results nobody will fetch any more; no error of its own, so nothing should catch it."""


def place() -> int:
    """Which of the units at work the one of this thread is, from 0: what two threads must not share, each has there."""
    return getattr(_here, "place", 0)


def go_on() -> None:
    """Whatever works for long asks this now and then.

    Raises:
      Stopped: this thread's unit is not wanted any more.
    """
    threads = getattr(_here, "threads", None)
    if threads is not None:
        threads.check()


class SideBySide:
    """So many threads, each with one unit at a time.

    Args:
      at_once: how many.
    """

    def __init__(self, at_once: int):
        self._at_once, self._stopped = at_once, threading.Event()
        places = itertools.count()

        def begin() -> None:
            _here.place, _here.threads = next(places), self

        self._pool = ThreadPoolExecutor(at_once, "unit", initializer=begin)

    def map(self, task: Callable[[UnitT], UnitT], units: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the finished units in their order, whichever is done first.

        No more than twice as many as there are threads are at work or wait to be fetched: so few are lost at a kill.
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

    def check(self) -> None:
        """Raises `Stopped` where nobody waits for results any more."""
        if self._stopped.is_set():
            raise Stopped

    def close(self) -> None:
        """Lets units at work end where they ask whether to go on, and waits for that."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
