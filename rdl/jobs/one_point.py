"""The search space of a single model: nothing is searched, everything keeps its value from gin."""

from collections.abc import Callable

import gin

from rdl.config.ranges import Count
from rdl.models import description
from rdl.models.objectives.objective import Objective
from rdl.population import SearchSpace
from rdl.population.search_space import Dimension


@gin.configurable
def one_point(
    objective: Callable[[], Objective] | None = None, learning_rate: float = 1e-4, batch_size: Count = 64
) -> SearchSpace:
    """A search space with one point: the objective's hyperparameters as gin has them.

    They reach the model as a member's hyperparameters, so models that differ in them alone share one traced graph,
    and the run's summary names them.

    Args:
      objective: another than ``model.objective``, whose hyperparameters are meant by default.
      learning_rate: Adam's.
      batch_size: images per update.
    """
    values = {**(objective or description.objective)().hyperparameters, "learning_rate": learning_rate}
    fixed = {name: Dimension(initial=(value,), factors=(1.0,)) for name, value in values.items()}
    size = Dimension(initial=(batch_size,), factors=(1.0,), low=2, integer=True)
    return SearchSpace({**fixed, "batch_size": size})
