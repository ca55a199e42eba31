"""Ranges of numbers, in the annotations of parameters that gin may set: held before anything runs."""

from dataclasses import dataclass
from typing import Annotated

LARGEST = 2**63 - 1  # of whole numbers: what 64 bits hold


@dataclass(frozen=True)
class Between:
    """From the lowest number to the highest, both allowed."""

    low: float
    high: float = LARGEST

    def holds(self, number: float) -> bool:
        """Whether the number lies in it."""
        return self.low <= number <= self.high

    def __str__(self) -> str:
        return f"of at least {self.low:,}" if self.high == LARGEST else f"from {self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class OneOf:
    """One of a few names."""

    names: tuple[str, ...]

    def holds(self, name: str) -> bool:
        """Whether the name is one of them."""
        return name in self.names

    def __str__(self) -> str:
        return f"that is one of {', '.join(self.names)}"


Count = Annotated[int, Between(1)]
"""How many of what there must be one of."""
Units = Annotated[int, Between(1, 1_000_000)]
"""How many units or filters a layer has."""
Bins = Annotated[int, Between(2, 10_000)]
"""How many bins values are cut into: in one, all are alike."""
Points = Annotated[int, Between(2, 10_000_000)]
"""On how many images something is measured."""
