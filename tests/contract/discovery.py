"""Finds configurables registered with gin by their return type, so that new ones need not be listed."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import gin
import keras

import rdl.models
import rdl.scoring
from rdl.models.objectives.objective import Objective
from rdl.scoring import Scored


def _registered() -> Iterator[tuple[str, Any]]:
    """Gin's names and configurables, after every module of the packages was imported."""
    for package in (rdl.models, rdl.scoring):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for _, configurable in gin.config._REGISTRY.items():
        if configurable.module.split(".")[0] != "gin":
            yield configurable.name, configurable.wrapped


def _returns(made: Any) -> Any:
    return get_type_hints(made).get("return") if inspect.isfunction(made) else None


def objectives() -> dict[str, Callable[[], Objective]]:
    """Factories of losses."""
    found = {}
    for name, made in _registered():
        result = _returns(made)
        if isinstance(result, type) and issubclass(result, Objective):
            found[name] = made
    return found


def networks() -> dict[str, Callable[..., keras.Model]]:
    """Factories (image_shape, num_latents) -> encoder or decoder."""
    return {
        name: made
        for name, made in _registered()
        if _returns(made) is keras.Model
        and list(inspect.signature(made).parameters)[:2] == ["image_shape", "num_latents"]
    }


def scores() -> dict[str, type]:
    """Classes that are called (encode, images, seed) -> Scored."""
    return {
        name: made
        for name, made in _registered()
        if isinstance(made, type) and get_type_hints(made.__call__).get("return") is Scored
    }
