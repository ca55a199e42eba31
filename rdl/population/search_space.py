"""The search space of a population: how each hyperparameter is drawn, perturbed and bounded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gin
import numpy as np

from rdl.errors import UserError


@gin.configurable
@dataclass(frozen=True)
class Dimension:
    """One hyperparameter of the search.

    Attributes:
      initial: initial values, all equally likely.
      factors: explore multiplies the value by one of these, all equally likely.
      low: lower bound.
      high: upper bound.
      integer: whether values are rounded up to integers after a perturbation.
    """

    initial: Sequence[float]
    factors: Sequence[float] = (2.0, 1.2, 0.8, 0.5)
    low: float = 0.0
    high: float = math.inf
    integer: bool = False

    def __post_init__(self):
        for name, values in (("initial", self.initial), ("factors", self.factors)):
            if not isinstance(values, Sequence) or isinstance(values, str) or not values:
                raise UserError(
                    f"Dimension.{name} must be a list of at least one value, such as (1, 2), got {values!r}."
                )
        if any(not self.low <= value <= self.high for value in self.initial):
            raise UserError(
                f"Dimension.initial must lie in [{self.low}, {self.high}], got {list(self.initial)}: change the "
                "values, or low and high."
            )

    def draw(self, random: np.random.Generator) -> float:
        """Draws an initial value."""
        return self._cast(self.initial[int(random.integers(len(self.initial)))])

    def perturb(self, value: float, random: np.random.Generator) -> float:
        """Multiplies the value by a random factor, rounds it up if ``integer``, and clips it to the bounds."""
        value = value * self.factors[int(random.integers(len(self.factors)))]
        if self.integer:
            # 1e-9, since 10 x 1.1 is 11.000000000000002 in floating point and must give 11, not 12.
            value = math.ceil(value - 1e-9)
        return self._cast(min(max(value, self.low), self.high))

    def _cast(self, value: float) -> float:
        return int(value) if self.integer else float(value)


@gin.configurable
class SearchSpace:
    """The hyperparameters that a population searches; ``learning_rate`` and ``batch_size`` are required.

    Args:
      dimensions: hyperparameter name -> ``Dimension``. Other hyperparameters keep their values from gin. None: the
        reference's space (`reference_dimensions`).
    """

    def __init__(self, dimensions: Mapping[str, Dimension] | None = None):
        self.dimensions = dict(reference_dimensions() if dimensions is None else dimensions)
        for needed in ("learning_rate", "batch_size"):
            if needed not in self.dimensions:
                raise UserError(
                    f"SearchSpace.dimensions must have {needed!r}, got {sorted(self.dimensions)}: add it, "
                    "with one initial value and factors (1,) to keep it fixed."
                )
        if self.dimensions["batch_size"].low < 2:
            raise UserError(
                f"batch_size/Dimension.low must be at least 2, got {self.dimensions['batch_size'].low}: batch norm and "
                "the estimator of the total correlation need two images."
            )

    def draw(self, random: np.random.Generator) -> dict[str, float]:
        """Draws hyperparameters, in alphabetical order of their names, so that the order in gin has no effect."""
        return {name: self.dimensions[name].draw(random) for name in sorted(self.dimensions)}

    def perturb(self, hyperparameters: Mapping[str, float], random: np.random.Generator) -> dict[str, float]:
        """Explore: multiplies every hyperparameter by a random factor."""
        return {name: self.dimensions[name].perturb(hyperparameters[name], random) for name in sorted(self.dimensions)}


def reference_dimensions() -> dict[str, Dimension]:
    """The search space of the paper's released code, except that the batch size never falls below 2."""
    betas = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 37, 47, 60, 77, 99, 127, 163, 208, 267, 342, 437)
    return {
        "learning_rate": Dimension(initial=tuple(float(rate) for rate in np.logspace(-5, 0, 30))),
        "batch_size": Dimension(initial=(8, 16, 32, 64, 128, 256, 512, 1024), low=2, high=1024, integer=True),
        "beta": Dimension(initial=betas, low=1, integer=True),
    }
