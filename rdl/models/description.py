"""The model that gin describes: its objective, and the bindings that decide how it is built."""

import inspect
from collections.abc import Callable

import gin

from rdl.config import RunConfig, iter_bindings
from rdl.models.build import build
from rdl.models.objectives.objective import Objective

_BUILT_BY = ("rdl.models", "rdl.training")


def objective() -> Objective:
    """The objective of the model that gin describes, ``model.objective``."""
    return _factory()()


def from_gin() -> str:
    """The bindings that the model and its trainer are built from, one a line.

    The hyperparameters of the objective are left out, since they are arguments of the traced graph. The bindings of
    other packages of rdl are left out too; a network may be built with any name that the user's modules register.
    """
    factory, hyperparameters = _factory().__name__, objective().hyperparameters
    left_out = {f"{factory}.{name}" for name in hyperparameters}
    built = {key for key, target, *_ in iter_bindings() if target is not None and _is_built_with(target.__module__)}
    return "\n".join(
        f"{key} = {text}"
        for key, text in RunConfig.from_gin().texts().items()
        if key in built and key.rpartition("/")[2] not in left_out
    )


def _factory() -> Callable[[], Objective]:
    return gin.get_bindings(build).get("objective", inspect.signature(build).parameters["objective"].default)


def _is_built_with(module: str) -> bool:
    return module.startswith(_BUILT_BY) or not module.startswith(("rdl.", "third_party."))
