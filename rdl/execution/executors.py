"""Where members are trained: ``map`` in this process, or in others, with the same results."""

from collections.abc import Callable, Iterator, Sequence

import gin

from rdl.errors import UserError
from rdl.execution.units import Executor, UnitT


class SerialExecutor:
    """One member after another, in this process."""

    def map(self, task: Callable[[UnitT], UnitT], members: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the trained members in their order."""
        return map(task, members)

    def close(self) -> None:
        """Nothing to let go of."""


@gin.configurable("executor", denylist=["setup"])
def build_executor(
    name: str = "serial",
    address: str | None = None,
    workers: int | None = None,
    cpus: float = 1,
    gpus: float | None = None,
    retries: int = 3,
    start_timeout: float = 600,
    setup: Callable[[float], None] | None = None,
) -> Executor:
    """The executor of this name; what follows the name is for Ray.

    Args:
      name: ``serial``, or ``ray`` (needs the extra ``ray``).
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
        return SerialExecutor()
    if name == "ray":
        from rdl.execution.ray_executor import RayExecutor

        return RayExecutor(address, workers, cpus, gpus, retries, start_timeout, setup)
    raise UserError(f"executor.name must be 'serial' or 'ray', got {name!r}.")
