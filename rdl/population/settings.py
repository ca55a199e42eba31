"""Settings of a population: sizes, rules and the end of the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, get_type_hints

import gin

from rdl.config.ranges import Between, Count, OneOf
from rdl.config.types import check_type
from rdl.errors import UserError
from rdl.population.rules import RULES, count_survivors
from rdl.population.search_space import SearchSpace

_LEAST_PER_PERIOD = 4  # members of a sub-population: a winner, a clone, a slot for migration and one more


@gin.configurable("population")
@dataclass(frozen=True)
class PopulationSettings:
    """Settings of a population. The defaults are those of the code that the paper's authors released.

    Attributes:
      size: number of members after the first generation.
      initial_factor: the first generation has ``initial_factor * size`` members, of which the best are kept.
      models: VAEs per member, which share batches and hyperparameters. UDR compares them, so it needs at least 2.
      generations: number of generations after which the search ends; None: only when it has converged.
      until_converged: whether the search ends once the best score no longer changes.
      window: number of changes of the best score that decide on convergence.
      tolerance: the search has converged if the last `window` changes of the best score are all smaller than this.
      min_score: the search ends if the best score of a generation is lower, since nothing is left to learn. None: the
        job's default, which is 0.1 for the x-run and the leaf runs of rPU-VAE, and no minimum otherwise.
      best_of: the generations from which the best member is selected: ``all``, as in the reference, or the ``last``.
        With training losses and ladders, whose objective changes during training, it is always the last.
      rule: the rule that makes the next generation (`rdl.population.rules.next_generation`).
      fraction: fraction of the members that ``truncation`` replaces, that ``halving`` drops, or that each bracket of a
        sub-population of ``frequencies`` holds.
      periods: periods of the sub-populations of ``frequencies``, in generations; None: (1, 2).
      images: images that each model sees in one generation; None: the size of the data set, but at least `min_images`.
      min_images: the smallest number of images if `images` is None.
      search_space: the searched hyperparameters; None: the reference's.
    """

    size: Count = 56
    initial_factor: Count = 1
    models: Count = 5
    generations: Count | None = None
    until_converged: bool = True
    window: Count = 6
    tolerance: Annotated[float, Between(0)] = 0.005
    min_score: float | None = None
    best_of: Annotated[str, OneOf(("all", "last"))] = "all"
    rule: Annotated[str, OneOf(RULES)] = "truncation"
    fraction: Annotated[float, Between(1e-6, 0.5)] = 0.2
    periods: Sequence[Count] | None = None
    images: Count | None = None
    min_images: Count = 10_000
    search_space: SearchSpace | None = None

    def __post_init__(self):
        for name, annotation in get_type_hints(type(self), include_extras=True).items():
            if name != "search_space":  # an object, which gin checks by its class
                check_type(f"population.{name}", getattr(self, name), annotation)
        if self.generations is None and not self.until_converged:
            raise UserError(
                "population.generations must be a number if until_converged is False, got None: set it, such as to 10."
            )
        if self.rule != "frequencies" and self.periods is not None:
            raise UserError(
                f"population.periods must be None with population.rule = {self.rule!r}, got {self.periods}: leave it "
                "out, or set population.rule = 'frequencies'."
            )
        least = _LEAST_PER_PERIOD * len(self.sub_populations)
        if self.rule == "frequencies" and self.size < least:
            raise UserError(
                f"population.size must be at least {least}, {_LEAST_PER_PERIOD} per period, with the rule "
                f"'frequencies', got {self.size}: increase it, or give fewer population.periods."
            )

    @property
    def sub_populations(self) -> Sequence[int]:
        """The period of each sub-population of the rule ``frequencies``, in generations."""
        return (1, 2) if self.periods is None else self.periods

    def members(self, generation: int) -> int:
        """Number of members in a generation, from 0, if no member fails."""
        count = self.size * self.initial_factor
        if self.rule != "halving":
            return self.size if generation else count
        for _ in range(generation):
            if (fewer := count_survivors(count, self.fraction)) == count:  # constant from here on
                break
            count = fewer
        return count

    def members_until(self, generation: int) -> int:
        """Number of members in all generations before this one together."""
        return sum(map(self.members, range(generation)))

    def images_per_generation(self, data_size: int) -> int:
        """Number of images that each model sees in one generation."""
        return self.images if self.images is not None else max(self.min_images, data_size)
