"""Population based training: members, search space, exploit and explore, and the loop over generations."""

from rdl.population.budget import count_affordable_generations, count_images_trained, minimum_images
from rdl.population.checkpoints import prune_checkpoints
from rdl.population.member import Member
from rdl.population.population import Population, PopulationResult, train_members
from rdl.population.search_space import Dimension, SearchSpace
from rdl.population.settings import PopulationSettings

__all__ = [
    "Dimension",
    "Member",
    "Population",
    "PopulationResult",
    "PopulationSettings",
    "SearchSpace",
    "count_affordable_generations",
    "count_images_trained",
    "minimum_images",
    "prune_checkpoints",
    "train_members",
]
