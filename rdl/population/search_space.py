"""What a population searches over: how each hyperparameter is drawn, perturbed and bounded."""

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
      initial: the values it may start with, each as likely.
      factors: explore multiplies it by one of these, each as likely.
      low: the least value it may take.
      high: the greatest value it may take.
      integer: round up to whole numbers after a perturbation.
    """

    initial: Sequence[float]
    factors: Sequence[float] = (2.0, 1.2, 0.8, 0.5)
    low: float = 0.0
    high: float = math.inf
    integer: bool = False

    def __post_init__(self):
        for name, values in (("initial", self.initial), ("factors", self.factors)):
            if not isinstance(values, Sequence) or isinstance(values, str) or not values:
                raise UserError(f"Dimension.{name} is a list of at least one value, such as (1, 2), got {values!r}.")
        if any(not self.low <= value <= self.high for value in self.initial):
            raise UserError(
                f"A Dimension's initial values must lie in [{self.low}, {self.high}], got {list(self.initial)}."
            )

    def draw(self, random: np.random.Generator) -> float:
        """A value to start with."""
        return self._whole(self.initial[int(random.integers(len(self.initial)))])

    def perturb(self, value: float, random: np.random.Generator) -> float:
        """The value times a random factor, rounded up if integer, within the bounds."""
        value = value * self.factors[int(random.integers(len(self.factors)))]
        if self.integer:
            # 1e-9: 10 x 1.1 is 11, not the 12 that binary rounding would make of 11.000000000000002.
            value = math.ceil(value - 1e-9)
        return self._whole(min(max(value, self.low), self.high))

    def _whole(self, value: float) -> float:
        return int(value) if self.integer else float(value)


@gin.configurable
class SearchSpace:
    """The hyperparameters of a population by name, ``learning_rate`` and ``batch_size`` among them.

    Args:
      dimensions: a ``Dimension`` per name; what is not named keeps its value from the model's configuration.
    """

    def __init__(self, dimensions: Mapping[str, Dimension] | None = None):
        self.dimensions = dict(paper() if dimensions is None else dimensions)
        for needed in ("learning_rate", "batch_size"):
            if needed not in self.dimensions:
                raise UserError(
                    f"A search space needs a Dimension for {needed!r}; give one initial value and factors (1,) "
                    "to keep it fixed."
                )
        if self.dimensions["batch_size"].low < 2:
            raise UserError(
                "batch_size needs a lower bound of at least 2 (batch norm and the total correlation estimator "
                f"break down at 1), got low = {self.dimensions['batch_size'].low}."
            )

    def draw(self, random: np.random.Generator) -> dict[str, float]:
        """Hyperparameters for a new member; drawn in the order of names, so that gin's order changes nothing."""
        return {name: self.dimensions[name].draw(random) for name in sorted(self.dimensions)}

    def perturb(self, hyperparameters: Mapping[str, float], random: np.random.Generator) -> dict[str, float]:
        """Explore: every hyperparameter times a random factor."""
        return {name: self.dimensions[name].perturb(hyperparameters[name], random) for name in sorted(self.dimensions)}


def paper() -> dict[str, Dimension]:
    """The reference's search space (FACTS: learning rate, batch size and beta), batch size never below 2."""
    betas = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 37, 47, 60, 77, 99, 127, 163, 208, 267, 342, 437)
    return {
        "learning_rate": Dimension(initial=tuple(float(rate) for rate in np.logspace(-5, 0, 30))),
        "batch_size": Dimension(initial=(8, 16, 32, 64, 128, 256, 512, 1024), low=2, high=1024, integer=True),
        "beta": Dimension(initial=betas, low=1, integer=True),
    }
