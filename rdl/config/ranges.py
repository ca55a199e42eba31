"""Ranges of numbers in the annotations of parameters; gin's values are checked against them before a run."""

from dataclasses import dataclass
from typing import Annotated

LARGEST = 2**63 - 1  # of 64-bit integers


@dataclass(frozen=True)
class Between:
    """A closed interval of numbers."""

    low: float
    high: float = LARGEST

    def holds(self, number: float) -> bool:
        """Whether the interval contains the number."""
        return self.low <= number <= self.high

    def __str__(self) -> str:
        return f"of at least {self.low:,}" if self.high == LARGEST else f"from {self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class OneOf:
    """The constraint that a value is one of some names."""

    names: tuple[str, ...]

    def holds(self, name: str) -> bool:
        """Whether the name is one of them."""
        return name in self.names

    def __str__(self) -> str:
        return f"that is one of {', '.join(self.names)}"


Count = Annotated[int, Between(1)]
"""A positive integer."""
Units = Annotated[int, Between(1, 1_000_000)]
"""Number of units or filters of a layer."""
Bins = Annotated[int, Between(2, 10_000)]
"""Number of bins of a histogram; with a single bin, all values would be equal."""
Points = Annotated[int, Between(2, 10_000_000)]
"""Number of images that a metric uses."""
