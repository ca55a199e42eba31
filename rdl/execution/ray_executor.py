"""Members on Ray workers: processes on this machine, or on the machines of a cluster.

A worker is an actor that keeps its TensorFlow graph from one member to the next. It takes one member at a time;
what it trains lies in the run directory, which all machines must see under the same path. The task with its
images goes to Ray's object store once a machine: images that lie in a file are mapped, others are shared.
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

# Ray's news about itself, and its reports to its makers, are not what a user of rdl asked for.
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
    """What runs in a worker's process."""

    def __init__(self, setup: Callable[[float], None] | None, cpus: float):
        self._number, self._task = -1, None
        if setup is not None:
            setup(cpus)

    def ready(self) -> bool:
        return True

    def run(self, number: int, task: list[Any], member: UnitT) -> UnitT:
        """Runs task number so-and-so; its reference lies in a list, where Ray does not fetch it unasked."""
        if self._task is None or number != self._number:
            self._number, self._task = number, ray.get(task[0])
        return self._task(member)  # type: ignore[misc]


class RayExecutor:
    """Runs tasks over members on Ray workers; arguments are those of ``build_executor``."""

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
                "executor needs cpus > 0, gpus >= 0, retries >= 0 and workers >= 1, "
                f"got {cpus}, {gpus}, {retries}, {workers}."
            )
        self._address, self._number_wanted, self._cpus, self._gpus = address, workers, cpus, gpus
        self._retries, self._start_timeout, self._setup = retries, start_timeout, setup
        self._started_ray = False
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}  # the answer that a worker owes -> the worker
        self._tasks = 0

    def map(self, task: Callable[[UnitT], UnitT], members: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the members as they finish.

        Raises:
          UserError: no worker can start.
        """
        if not members:
            return
        self._start(len(members))
        self._tasks += 1
        number, reference = self._tasks, [ray.put(task)]
        waiting = deque((member, 0) for member in members)
        busy: dict[Any, tuple[Any, UnitT, int]] = {}
        try:
            while waiting or busy:
                while waiting and self._idle:
                    worker, (member, losses) = self._idle.pop(), waiting.popleft()
                    busy[worker.run.remote(number, reference, member)] = worker, member, losses
                answer = self._next_answer(busy)
                if answer in self._starting:
                    self._welcome(answer)
                    continue
                worker, member, losses = busy.pop(answer)
                try:
                    done = _result(answer)
                except _LOST as error:
                    self._replace(worker)
                    reason = str(error).strip().splitlines()[0]
                    _log.warning("the worker of %s was lost (%s)", member.name, reason)
                    if losses < self._retries:
                        waiting.append((member, losses + 1))
                        continue
                    done = member.with_failure(f"its worker was lost {losses + 1} times, at last because: {reason}")
                else:
                    self._idle.append(worker)
                yield done
        finally:  # whoever asked may have lost interest: what is still at work must not hold up the next task
            for worker, _, _ in busy.values():
                ray.kill(worker)

    def close(self) -> None:
        """Ends the workers, and Ray where it was started here."""
        if ray.is_initialized():
            for worker in [*self._idle, *self._starting.values()]:
                with suppress(Exception):
                    ray.kill(worker)
            if self._started_ray:
                ray.shutdown()
        self._idle, self._starting, self._started_ray = [], {}, False

    def _start(self, members: int) -> None:
        """Workers for so many members; those there are say first whether they are still alive."""
        if not ray.is_initialized():
            self._init_ray()
        self._ask_idle()
        wanted = min(self._number_of_workers(), members)
        for _ in range(wanted - len(self._starting)):
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
            raise UserError(f"No Ray at executor.address = {self._address!r}: {str(error).splitlines()[0]}") from error
        finally:  # Ray's own would end this process without a word
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self._started_ray = True

    def _number_of_workers(self) -> int:
        if self._number_wanted is not None:
            return self._number_wanted
        there = ray.cluster_resources()
        number = there.get("CPU", 0) // self._cpus
        if gpus := self._gpus_per_worker():
            number = min(number, there.get("GPU", 0) // gpus)
        if number < 1:
            raise UserError(
                f"A Ray worker needs {self._cpus} CPUs and {gpus} GPUs (executor.cpus, executor.gpus), but the whole "
                f"cluster has {there.get('CPU', 0):g} and {there.get('GPU', 0):g}."
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
        if gpus % 1:  # several workers share a GPU: none may take all of its memory
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
        self._ask_idle()  # the machine that took one worker with it may have had others

    def _ask_idle(self) -> None:
        for worker in self._idle:
            self._starting[worker.ready.remote()] = worker
        self._idle = []

    def _welcome(self, answer: Any) -> None:
        worker = self._starting.pop(answer)
        try:
            _result(answer)
        except _LOST as error:
            if getattr(error, "actor_init_failed", False):
                raise
            self._spawn()
        else:
            self._idle.append(worker)

    def _next_answer(self, busy: dict[Any, Any]) -> Any:
        timeout = None if busy else self._start_timeout
        answers, _ = ray.wait([*busy, *self._starting], num_returns=1, timeout=timeout)
        if answers:
            return answers[0]
        there = ray.cluster_resources()
        raise UserError(
            f"No Ray worker came up within {self._start_timeout:g} s: each needs {self._cpus} CPUs and "
            f"{self._gpus_per_worker()} GPUs, the cluster has {there.get('CPU', 0):g} and {there.get('GPU', 0):g}."
        )


def _result(answer: Any) -> Any:
    """What the worker returned; what it raised is raised here as it was there."""
    try:
        return ray.get(answer)
    except RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, Exception):
            raise cause from error
        raise
