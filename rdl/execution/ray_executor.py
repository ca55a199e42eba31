"""Runs units on Ray workers, processes on this machine or on the machines of a cluster.

A worker is an actor that runs one unit at a time and keeps its TensorFlow graph between units. Checkpoints are written
to the run directory, which all machines must see under the same path. The task with its images is sent to Ray's object
store once per machine; images in files are memory-mapped.
"""

import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from rdl import kernels
from rdl.errors import UserError
from rdl.execution.units import UnitT

# Turns off Ray's usage reports and its warning about future defaults.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

try:
    import ray
    from ray.exceptions import ActorUnavailableError, RayActorError, RaySystemError, RayTaskError
except ImportError as error:
    raise UserError(
        "executor.name = 'ray' needs Ray: pip install 'rdl[ray]', or use executor.name = 'serial'."
    ) from error

_LOST = (RayActorError, ActorUnavailableError, RaySystemError)
_log = logging.getLogger("rdl")


class _Worker:
    """The actor in a worker's process."""

    def __init__(self, setup: Callable[[float], None] | None, cpus: float):
        self._number, self._task = -1, None
        if setup is not None:
            setup(cpus)

    def ready(self) -> bool:
        return True

    def run(self, number: int, task: list[Any], unit: UnitT) -> UnitT:
        """Runs the task on a unit. `task` is a list of one reference, as Ray would fetch a bare one at every call."""
        if self._task is None or number != self._number:
            self._number, self._task = number, ray.get(task[0])
        return self._task(unit)  # type: ignore[misc]


class RayExecutor:
    """Runs tasks on Ray workers; the arguments are those of ``build_executor``."""

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        cpus: float = 1,
        gpus: float | None = None,
        retries: int = 3,
        start_timeout: float = 600,
        setup: Callable[[float], None] | None = None,
    ):
        if cpus <= 0 or (gpus or 0) < 0 or retries < 0 or (workers is not None and workers < 1):
            raise UserError(
                "executor.cpus must be > 0, executor.gpus and executor.retries >= 0, and executor.workers >= 1, got "
                f"{cpus}, {gpus}, {retries} and {workers}: correct them."
            )
        self._address, self._workers, self._cpus, self._gpus = address, workers, cpus, gpus
        self._retries, self._start_timeout, self._setup = retries, start_timeout, setup
        self._started_ray = False
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}  # pending reference -> its worker
        self._tasks = 0

    def map(self, task: Callable[[UnitT], UnitT], units: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the units as they finish.

        Raises:
          UserError: no worker can start.
        """
        if not units:
            return
        self._start(len(units))
        self._tasks += 1
        number, reference = self._tasks, [ray.put(task)]
        waiting = deque((unit, 0) for unit in units)
        busy: dict[Any, tuple[Any, UnitT, int]] = {}
        try:
            while waiting or busy:
                while waiting and self._idle:
                    worker, (unit, losses) = self._idle.pop(), waiting.popleft()
                    busy[worker.run.remote(number, reference, unit)] = worker, unit, losses
                pending = self._wait(busy)
                if pending in self._starting:
                    self._add_worker(pending)
                    continue
                worker, unit, losses = busy.pop(pending)
                try:
                    done = _result(pending)
                except _LOST as error:
                    self._replace(worker)
                    reason = str(error).strip().splitlines()[0]
                    _log.warning("the worker of %s was lost (%s)", unit.name, reason)
                    if losses < self._retries:
                        waiting.append((unit, losses + 1))
                        continue
                    done = unit.with_failure(f"its worker was lost {losses + 1} times, most recently because: {reason}")
                else:
                    self._idle.append(worker)
                yield done
        finally:  # if the caller stops early, units still at work must not delay the next task
            for worker, _, _ in busy.values():
                ray.kill(worker)

    def close(self) -> None:
        """Ends the workers, and Ray if this executor started it."""
        if ray.is_initialized():
            for worker in [*self._idle, *self._starting.values()]:
                with suppress(Exception):
                    ray.kill(worker)
            if self._started_ray:
                ray.shutdown()
        self._idle, self._starting, self._started_ray = [], {}, False

    def _start(self, units: int) -> None:
        """Starts workers for this many units, after checking that idle ones are alive."""
        if not ray.is_initialized():
            self._init_ray()
        self._ping_idle()
        for _ in range(min(self._number_of_workers(), units) - len(self._starting)):
            self._spawn()

    def _init_ray(self) -> None:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            ray.init(
                address=self._address,
                include_dashboard=None if self._address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(
                f"executor.address must name a running Ray cluster, got {self._address!r}: {str(error).splitlines()[0]}"
            ) from error
        finally:  # Ray's own handlers would end this process silently
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self._started_ray = True

    def _number_of_workers(self) -> int:
        if self._workers is not None:
            return self._workers
        resources = ray.cluster_resources()
        number = resources.get("CPU", 0) // self._cpus
        if gpus := self._gpus_per_worker():
            number = min(number, resources.get("GPU", 0) // gpus)
        if number < 1:
            raise UserError(
                f"A Ray worker needs {self._cpus} CPUs and {gpus} GPUs, but the whole cluster has "
                f"{resources.get('CPU', 0):g} and {resources.get('GPU', 0):g}: lower executor.cpus or executor.gpus."
            )
        return int(number)

    def _gpus_per_worker(self) -> float:
        if self._gpus is not None:
            return self._gpus
        return 1 if ray.cluster_resources().get("GPU", 0) else 0

    def _spawn(self) -> None:
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        if kernels.VARIABLE in os.environ:  # workers compute with the kernels of this process
            environment[kernels.VARIABLE] = os.environ[kernels.VARIABLE]
        gpus = self._gpus_per_worker()
        if gpus % 1:  # workers that share a GPU must not reserve all of its memory
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        worker = (
            ray.remote(_Worker)
            .options(num_cpus=self._cpus, num_gpus=gpus, runtime_env={"env_vars": environment})
            .remote(self._setup, self._cpus)
        )
        self._starting[worker.ready.remote()] = worker

    def _replace(self, worker: Any) -> None:
        with suppress(Exception):
            ray.kill(worker)
        self._spawn()
        self._ping_idle()  # other workers may have been lost with its machine

    def _ping_idle(self) -> None:
        for worker in self._idle:
            self._starting[worker.ready.remote()] = worker
        self._idle = []

    def _add_worker(self, pending: Any) -> None:
        """Makes a started worker idle, or replaces it if it was lost."""
        worker = self._starting.pop(pending)
        try:
            _result(pending)
        except _LOST as error:
            if getattr(error, "actor_init_failed", False):
                raise
            self._spawn()
        else:
            self._idle.append(worker)

    def _wait(self, busy: dict[Any, Any]) -> Any:
        """Waits for a busy or starting worker; returns its reference."""
        timeout = None if busy else self._start_timeout
        ready, _ = ray.wait([*busy, *self._starting], num_returns=1, timeout=timeout)
        if ready:
            return ready[0]
        resources = ray.cluster_resources()
        raise UserError(
            f"No Ray worker started within {self._start_timeout:g} s: each needs {self._cpus} CPUs and "
            f"{self._gpus_per_worker()} GPUs, and the cluster has {resources.get('CPU', 0):g} and "
            f"{resources.get('GPU', 0):g}: free some, or raise executor.start_timeout."
        )


def _result(reference: Any) -> Any:
    """The worker's result. Raises the worker's exception with its own type."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, Exception):
            raise cause from error
        raise
