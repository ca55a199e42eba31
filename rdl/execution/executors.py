"""The executors that gin's ``executor`` chooses from."""

from collections.abc import Callable, Iterator, Sequence

import gin

from rdl.errors import UserError
from rdl.execution.units import Executor, UnitT
from rdl.execution.worker_threads import WorkerThreads


class SerialExecutor:
    """Runs units in this process, one after another or several at once in threads.

    Args:
      at_once: number of units at once, for tasks that allow it; None: the task's ``at_once``.
    """

    def __init__(self, at_once: int | None = None):
        if at_once is not None and at_once < 1:
            raise UserError(f"executor.at_once must be at least 1, got {at_once}: set a positive number, or None.")
        self._at_once, self._threads = at_once, WorkerThreads(1)

    def map(self, task: Callable[[UnitT], UnitT], units: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the finished units in their order."""
        allowed = getattr(task, "at_once", None)
        at_once = 1 if allowed is None else min(self._at_once or allowed, len(units))
        if at_once < 2:
            return map(task, units)
        self._threads = WorkerThreads(at_once)
        return self._threads.map(task, units)

    def close(self) -> None:
        """Stops units that are still at work."""
        self._threads.close()


@gin.configurable("executor", denylist=["setup"])
def build_executor(
    name: str = "serial",
    at_once: int | None = None,
    address: str | None = None,
    workers: int | None = None,
    cpus: float = 1,
    gpus: float | None = None,
    retries: int = 3,
    start_timeout: float = 600,
    setup: Callable[[float], None] | None = None,
) -> Executor:
    """Builds the executor of this name; the arguments after ``at_once`` are for Ray.

    Args:
      name: ``serial``, or ``ray`` (needs the extra ``ray``).
      at_once: number of members that ``serial`` trains at once; no effect on the results. None: one member for each
        core that its models leave idle if ``threads.models_side_by_side``, else one.
      address: of a running Ray cluster; ``auto``: the cluster of this machine; None: a new one on this machine.
      workers: number of processes that train members; None: as many as the cluster's CPUs and GPUs allow.
      cpus: per worker.
      gpus: per worker, may be a fraction; None: one if the cluster has any.
      retries: how often a member whose worker is lost is trained again on another worker before it fails.
      start_timeout: seconds to wait for a worker if none is left.
      setup: called with ``cpus`` once in every new process, before its first task.

    Raises:
      UserError: an unknown executor, or its package is missing.
    """
    if name == "serial":
        return SerialExecutor(at_once)
    if name == "ray":
        from rdl.execution.ray_executor import RayExecutor

        return RayExecutor(address, workers, cpus, gpus, retries, start_timeout, setup)
    raise UserError(f"executor.name must be 'serial' or 'ray', got {name!r}: set one of them.")
