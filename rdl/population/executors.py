"""Where members are trained: ``map`` in this process, or in others, with the same results."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import gin

from rdl.population.member import Member

Task = Callable[[Member], Member]


class Executor(Protocol):
    """Runs a task over members."""

    def map(self, task: Task, members: Sequence[Member]) -> Iterator[Member]:
        """Yields the trained members as they finish, in any order."""
        ...

    def close(self) -> None:
        """Lets go of processes and devices."""
        ...


class SerialExecutor:
    """One member after another, in this process."""

    def map(self, task: Task, members: Sequence[Member]) -> Iterator[Member]:
        """Yields the trained members in their order."""
        return map(task, members)

    def close(self) -> None:
        """Nothing to let go of."""


@gin.configurable("executor")
def build_executor(name: str = "serial") -> Executor:
    """The executor of this name.

    Args:
      name: ``serial``, or ``ray`` (needs the extra ``ray``).

    Raises:
      UserError: no such executor, or its package is missing.
    """
    from rdl.errors import UserError

    if name == "serial":
        return SerialExecutor()
    raise UserError(f"executor.name must be 'serial', got {name!r}.")
