"""The interface of executors: a task over units of work, such as a population's members or a study's models."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, Self, TypeVar


class Unit(Protocol):
    """A unit of work, such as a member or a study's model. A task returns it with its results."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def with_failure(self, reason: str) -> Self:
        """This unit, marked as failed."""
        ...


UnitT = TypeVar("UnitT", bound=Unit)


class Executor(Protocol):
    """Runs a task over units of work."""

    def map(self, task: Callable[[UnitT], UnitT], units: Sequence[UnitT]) -> Iterator[UnitT]:
        """Yields the units as they finish, in any order.

        A task with an attribute ``at_once`` may run in that many threads of a process at once.
        """
        ...

    def close(self) -> None:
        """Frees processes and devices."""
        ...
