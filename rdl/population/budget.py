"""What a population costs in images of models, and how long it may go on for so many."""

from collections.abc import Sequence

from rdl.population.member import Member
from rdl.population.settings import PopulationSettings


def spent(generations: Sequence[Sequence[Member]], models: int, num_images: int) -> int:
    """Images that all models of a population have seen together; a failed member counts as if it had gone on.

    Args:
      generations: its members.
      models: of a member.
      num_images: that each model sees in a generation.
    """
    return sum(map(len, generations)) * models * num_images


def generations_for(settings: PopulationSettings, num_images: int, budget: int) -> int:
    """How many generations a budget of images is enough for, but at least ``settings.generations``, or one.

    Args:
      settings: of the population.
      num_images: that each model sees in a generation.
      budget: images of all models together.
    """
    members = budget // (settings.models * num_images)
    generations, left = 0, members - settings.members(0)
    while left >= 0:
        generations += 1
        left -= settings.members(generations)
    return max(settings.generations or 1, generations)


def minimum_generations(settings: PopulationSettings) -> int:
    """The smallest number of generations that a population trains."""
    minimum = settings.window + 1 if settings.until_converged else settings.generations or 1
    return min(minimum, settings.generations or minimum)


def minimum_images(settings: PopulationSettings, num_images: int) -> int:
    """The smallest number of images that all models of a population see together.

    Args:
      settings: of the population.
      num_images: images that each model sees in a generation.
    """
    return num_images * settings.models * settings.members_until(minimum_generations(settings))
