"""Where members are trained: ``map`` in this process, or in others, with the same results."""

from collections.abc import Callable, Iterator, Sequence

import gin

from rdl.errors import UserError
from rdl.execution.side_by_side import SideBySide
from rdl.execution.units import Executor, UnitT


class SerialExecutor:
    """In this process: one member after another, or side by side where that keeps more of its cores busy.

    Args:
      at_once: how many side by side, of tasks that may be; None: as many as the task asks for.
    """

    def __init__(self, at_once: int | None = None):
        if at_once is not None and at_once < 1:
            raise UserError(f"executor.at_once must be at least 1, got {at_once}.")
        self._at_once, self._threads = at_once, SideBySide(1)

    def map(self, task: Callable[[UnitT], UnitT], members: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the trained members in their order."""
        asked = getattr(task, "at_once", None)
        at_once = 1 if asked is None else min(self._at_once or asked, len(members))
        if at_once < 2:
            return map(task, members)
        self._threads = SideBySide(at_once)
        return self._threads.map(task, members)

    def close(self) -> None:
        """Ends what is still at work."""
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
    """The executor of this name; what follows ``at_once`` is for Ray.

    Args:
      name: ``serial``, or ``ray`` (needs the extra ``ray``).
      at_once: members that ``serial`` trains side by side, with the same results; None: as many as there are cores
        for their models where an operation has one thread (``threads.models_side_by_side``), else one.
      address: of a running Ray cluster (``auto``: the one that this machine belongs to); None: this machine.
      workers: processes that train members; None: as many as the cluster's CPUs and GPUs allow.
      cpus: of each worker.
      gpus: of each worker, may be a fraction; None: one, where the cluster has any.
      retries: a member whose worker is lost is trained again elsewhere at most so many times, then it fails.
      start_timeout: seconds to wait for a worker where none is left.
      setup: called with ``cpus`` once in every new process, before its first task.

    Raises:
      UserError: no such executor, or its package is missing.
    """
    if name == "serial":
        return SerialExecutor(at_once)
    if name == "ray":
        from rdl.execution.ray_executor import RayExecutor

        return RayExecutor(address, workers, cpus, gpus, retries, start_timeout, setup)
    raise UserError(f"executor.name must be 'serial' or 'ray', got {name!r}.")
