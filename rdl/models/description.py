"""What gin says of the model: all that decides how it is built, and the objective's hyperparameters apart."""

import inspect
from collections.abc import Callable

import gin

from rdl.config import gin_text
from rdl.models.build import build
from rdl.models.objectives.objective import Objective

_BUILT_BY = ("rdl.models", "rdl.training")


def objective() -> Objective:
    """The objective of the model that gin describes, ``model.objective``."""
    return _factory()()


def from_gin() -> str:
    """gin's bindings that the model and its trainer are built from, a line each.

    Values of the objective's hyperparameters are left out, since they reach the traced graph as arguments. So are
    the bindings of rdl's other packages; whoever else registers a name with gin may build a network with it.
    """
    factory, hyperparameters = _factory().__name__, objective().hyperparameters
    return "\n".join(
        f"{key} = {value}"
        for key, value in sorted(gin_text.parse_gin_text(gin.config_str(max_line_length=10_000)).items())
        if _builds(key) and key.split("/")[-1] not in {f"{factory}.{name}" for name in hyperparameters}
    )


def _factory() -> Callable[[], Objective]:
    return gin.get_bindings(build).get("objective", inspect.signature(build).parameters["objective"].default)


def _builds(key: str) -> bool:
    name, dot, _ = key.rpartition(".")
    if not dot:  # a macro
        return True
    module = gin.config.ConfigurableReference(name, False).configurable.wrapped.__module__
    return module.startswith(_BUILT_BY) or not module.startswith(("rdl.", "third_party."))
