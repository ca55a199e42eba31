"""What executors are asked to do: a task over units of work, such as a population's members or a study's models."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, Self, TypeVar


class Unit(Protocol):
    """What a task takes and gives back: a population's member, a study's model."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def with_failure(self, reason: str) -> Self:
        """The same, given up."""
        ...


UnitT = TypeVar("UnitT", bound=Unit)


class Executor(Protocol):
    """Runs a task over members."""

    def map(self, task: Callable[[UnitT], UnitT], members: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the trained members as they finish, in any order.

        A task that may run in several threads of a process has ``at_once``, how many of them keep its cores busy.
        """
        ...

    def close(self) -> None:
        """Lets go of processes and devices."""
        ...
