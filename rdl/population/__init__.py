"""Population based training: members, search space, exploit and explore, the generation loop."""

from rdl.population.budget import generations_for, minimum_images, spent
from rdl.population.checkpoints import keep_only
from rdl.population.member import Member
from rdl.population.population import Outcome, Population, train_members
from rdl.population.search_space import Dimension, SearchSpace
from rdl.population.settings import PopulationSettings

__all__ = [
    "Dimension",
    "Member",
    "Outcome",
    "Population",
    "SearchSpace",
    "PopulationSettings",
    "generations_for",
    "keep_only",
    "minimum_images",
    "spent",
    "train_members",
]
