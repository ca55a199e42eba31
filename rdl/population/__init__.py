"""Population based training: members, search space, exploit and explore, executors, the generation loop."""

from rdl.population.executors import SerialExecutor, build_executor
from rdl.population.member import Member
from rdl.population.population import Outcome, Population, Settings, checkpoint_path
from rdl.population.search_space import Dimension, SearchSpace
from rdl.population.units import Executor

__all__ = [
    "Dimension",
    "Executor",
    "Member",
    "Outcome",
    "Population",
    "SearchSpace",
    "SerialExecutor",
    "Settings",
    "build_executor",
    "checkpoint_path",
]
