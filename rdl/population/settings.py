"""What a population does: its sizes and its rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import gin

from rdl.config.ranges import Count
from rdl.errors import UserError
from rdl.population.rules import RULES, staying
from rdl.population.search_space import SearchSpace


@gin.configurable("population")
@dataclass(frozen=True)
class PopulationSettings:
    """What a population does. Defaults are those of the code that the paper's authors released.

    Attributes:
      size: members after the first generation.
      initial_factor: the first generation has this many times ``size`` members; the better ones stay.
      models: VAEs per member, which share batches and hyperparameters; UDR compares them, so it needs 2.
      generations: stop after so many; None: only when converged.
      until_converged: stop once the best score has stopped changing.
      window: converged means that so many last changes of the best score ..
      tolerance: .. are all under this.
      min_score: stop where the best score of a generation is under this: nothing is left to learn. None: the job's
        own, 0.1 for the x-run and the leaf runs of rPU-VAE and no minimum elsewhere; 0 for no minimum of a UDR.
      best_of: which generations hand over their best member: ``all`` of them, as the reference's, or the ``last``.
        Training losses, and ladders, are always taken from the last: earlier ones trained something else.
      rule: what becomes of the members between two generations (`rdl.population.rules`): ``truncation`` is that of
        population based training; ``frequencies`` its form with sub-populations of several periods; ``none``, random
        search, and ``halving``, successive halving, are the controls: members train on as they began.
      fraction: of the members that truncation replaces each generation, that halving gives up, or that each bracket
        of a sub-population has.
      periods: of the rule ``frequencies``, one number a sub-population, which evolves every so many generations;
        None: (1, 2).
      images: a generation trains each member on so many images; None: on as many as the data set has,
      min_images: .. but at least on so many.
      search_space: the hyperparameters searched; None: the reference's.
    """

    size: int = 56
    initial_factor: int = 1
    models: int = 5
    generations: int | None = None
    until_converged: bool = True
    window: Count = 6
    tolerance: float = 0.005
    min_score: float | None = None
    best_of: str = "all"
    rule: str = "truncation"
    fraction: float = 0.2
    periods: Sequence[Count] | None = None
    images: int | None = None
    min_images: int = 10_000
    search_space: SearchSpace | None = None

    def __post_init__(self):
        if self.size < 1 or self.models < 1 or self.initial_factor < 1:
            raise UserError(
                "A population needs size >= 1, models >= 1 and initial_factor >= 1, "
                f"got {self.size}, {self.models}, {self.initial_factor}."
            )
        if self.generations is None and not self.until_converged:
            raise UserError("A population needs generations = N, or until_converged = True, to come to an end.")
        if self.generations is not None and self.generations < 1:
            raise UserError(f"population.generations must be at least 1, got {self.generations}.")
        if self.rule not in RULES:
            raise UserError(f"population.rule must be one of {', '.join(RULES)}, got {self.rule!r}.")
        if self.rule != "frequencies" and self.periods is not None:
            raise UserError(
                f"population.periods are of the rule 'frequencies', the rule is {self.rule!r}: set "
                "population.rule = 'frequencies', or no periods."
            )
        if self.rule == "frequencies" and self.size < 4 * len(self.sub_populations):
            raise UserError(
                f"The rule 'frequencies' takes 4 members or more a period: for {len(self.sub_populations)} periods set "
                f"population.size to {4 * len(self.sub_populations)} or more, got {self.size}."
            )
        if not 0 < self.fraction <= 0.5:
            raise UserError(f"population.fraction must lie in (0, 0.5], got {self.fraction}.")
        if self.best_of not in ("all", "last"):
            raise UserError(f"population.best_of must be 'all' or 'last', got {self.best_of!r}.")

    @property
    def sub_populations(self) -> Sequence[int]:
        """The period of each, in generations."""
        return (1, 2) if self.periods is None else self.periods

    def members(self, generation: int) -> int:
        """How many members a generation has where none fails; the first has number 0."""
        count = self.size * self.initial_factor
        if self.rule != "halving":
            return self.size if generation else count
        for _ in range(generation):
            if (fewer := staying(count, self.fraction)) == count:  # so it is in all generations to come
                break
            count = fewer
        return count

    def members_until(self, generation: int) -> int:
        """How many members all generations before this one have together."""
        return sum(map(self.members, range(generation)))

    def images_per_generation(self, data_size: int) -> int:
        """How many images each member sees in one generation."""
        return self.images if self.images is not None else max(self.min_images, data_size)
