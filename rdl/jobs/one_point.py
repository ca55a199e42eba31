"""The search space of a single model, in which every hyperparameter keeps its value from gin."""

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
    """A search space with one point: the objective's hyperparameters with their values from gin.

    They become hyperparameters of the member. Models that differ only in their values therefore share one traced graph,
    and the run's summary lists them.

    Args:
      objective: the objective; None: ``model.objective``.
      learning_rate: learning rate of Adam.
      batch_size: images per update.
    """
    values = {**(objective or description.objective)().hyperparameters, "learning_rate": learning_rate}
    fixed = {name: Dimension(initial=(value,), factors=(1.0,)) for name, value in values.items()}
    size = Dimension(initial=(batch_size,), factors=(1.0,), low=2, integer=True)
    return SearchSpace({**fixed, "batch_size": size})
