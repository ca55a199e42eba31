"""Detects gin bindings without effect: before a run from its configuration, after it from the calls that were made.

Bindings in included files are not reported, because such a file may serve several jobs.
"""

import inspect
from collections.abc import Collection, Iterator
from typing import Any, get_type_hints

import gin
import keras

from rdl.config import RunConfig, keys_given
from rdl.jobs.context import Context
from rdl.jobs.stage import STAGE_SCOPES
from rdl.models.objectives.objective import Objective
from rdl.population import SearchSpace
from rdl.population.search_space import Dimension, reference_dimensions


def find_unused(config: RunConfig) -> list[str]:
    """A line for each binding that cannot have an effect, with the reason and a remedy."""
    found = (*_unreferenced(config), *_find_other_stages(config), *_searched(config))
    return [f"{key} has no effect: {reason}" for key, reason in found if key in keys_given()]


def find_uncalled(config: RunConfig, used: Collection[str] = ()) -> list[str]:
    """The keys of the bindings that no call of this run has used and that are not among the `used` ones."""
    calls = [_split(key) for key in {*RunConfig.operative().settings, *used}]

    def called(key: str) -> bool:
        scopes, name = _split(key)  # a call within scopes also uses the bindings of the outer scopes
        return any(name == other and inner[: len(scopes)] == scopes for inner, other in calls)

    return [key for key in config.settings if key in keys_given() and not called(key)]


def _split(key: str) -> tuple[list[str], str]:
    *scopes, name = key.split("/")
    return scopes, name


def _unreferenced(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Bindings of objectives, networks, jobs and search spaces that no other parameter refers to."""
    referenced = config.referenced_names()
    if not any(_split(key)[1] == "population.search_space" for key in config.settings):
        referenced |= {"SearchSpace"}  # the default
    for key in config.settings:
        name = _split(key)[1].rpartition(".")[0]
        if name not in referenced and _must_be_referenced(gin.config._REGISTRY.get_match(name).wrapped):
            now = ", ".join(f"{slot} = {value}" for slot, value in _choices(config).items())
            yield key, f"nothing refers to @{name}; the configuration has {now}."


def _must_be_referenced(target: Any) -> bool:
    if target in (SearchSpace, Dimension):
        return True
    if not inspect.isfunction(target):
        return False
    hints = get_type_hints(target)
    made = hints.get("return")
    if not isinstance(made, type):
        return Context in hints.values()
    # Encoders and decoders take an image shape. FactorVAE calls its discriminator without a reference.
    is_network = issubclass(made, keras.Model) and "image_shape" in hints
    return is_network or issubclass(made, (Objective, SearchSpace)) or Context in hints.values()


def _choices(config: RunConfig) -> dict[str, Any]:
    slots = ("experiment.job", "model.objective", "model.encoder", "model.decoder", "population.search_space")
    return {slot: config.value(slot) for slot in slots}


def _find_other_stages(config: RunConfig) -> Iterator[tuple[str, str]]:
    job = config.name("experiment.job")
    others = {stage for stages in STAGE_SCOPES.values() for stage in stages} - {*STAGE_SCOPES.get(job, ())}
    for key in config.settings:
        scopes, _ = _split(key)
        if job in STAGE_SCOPES and scopes and scopes[0] in others:
            stages = ", ".join(STAGE_SCOPES[job])
            yield key, f"{job} has no stage '{scopes[0]}'; bind it for {stages}, or without a scope."


def _searched(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Bindings of the objective's hyperparameters that the population searches, and so replaces."""
    if config.name("population.search_space") not in ("", "SearchSpace"):
        return
    for name in config.value("SearchSpace.dimensions") or reference_dimensions():
        key = f"{config.name('model.objective')}.{name}"
        if key in config.settings:
            yield key, f"the population searches {name!r}; bind {name}/Dimension.initial, or remove it from the space."
