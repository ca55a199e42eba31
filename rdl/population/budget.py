"""The cost of a population in images, summed over all models, and the number of generations that a budget buys."""

from collections.abc import Sequence

from rdl.population.member import Member
from rdl.population.settings import PopulationSettings


def count_images_trained(generations: Sequence[Sequence[Member]], models: int, num_images: int) -> int:
    """Number of training images, summed over all models of a population; failed members count in full.

    Args:
      generations: the members of each generation.
      models: VAEs per member.
      num_images: images that each model sees in one generation.
    """
    return sum(map(len, generations)) * models * num_images


def count_affordable_generations(settings: PopulationSettings, num_images: int, budget: int) -> int:
    """Number of generations that a budget buys; at least ``settings.generations``, or one if that is None.

    Args:
      settings: the population's settings.
      num_images: images that each model sees in one generation.
      budget: images summed over all models.
    """
    affordable_members = budget // (settings.models * num_images)
    generations, remaining = 0, affordable_members - settings.members(0)
    while remaining >= 0:
        generations += 1
        remaining -= settings.members(generations)
    return max(settings.generations or 1, generations)


def minimum_generations(settings: PopulationSettings) -> int:
    """The smallest number of generations that a population trains."""
    minimum = settings.window + 1 if settings.until_converged else settings.generations or 1
    return min(minimum, settings.generations or minimum)


def minimum_images(settings: PopulationSettings, num_images: int) -> int:
    """The smallest number of images that all models of a population see together.

    Args:
      settings: the population's settings.
      num_images: images that each model sees in one generation.
    """
    return num_images * settings.models * settings.members_until(minimum_generations(settings))
