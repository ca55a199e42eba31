"""Bindings that gin takes without a word and nobody asks for: found before a run, as far as can be, and after it."""

import inspect
from collections.abc import Iterator
from typing import Any, get_type_hints

import gin
import keras

from rdl.config import bound, given, parse_gin_text, references
from rdl.jobs.context import Context
from rdl.models import build
from rdl.models.objectives.objective import Objective
from rdl.population import SearchSpace
from rdl.population.search_space import Dimension, reference_dimensions

_ENTERED = {
    "search": ("population",), "train_ladder": ("population",), "rpu_vae": ("x_run", "leaf_run", "final"),
}  # fmt: skip
_STAGES = {scope for scopes in _ENTERED.values() for scope in scopes}
_SLOTS = {
    "objective": "model.objective",
    "encoder": "model.encoder",
    "decoder": "model.decoder",
    "job": "experiment.job",
    "space": "population.search_space",
    "dimension": "SearchSpace.dimensions",
}


def known() -> list[str]:
    """What can be said before a run, a line for each binding without effect: which, why, and what would make it count.

    Of what the files and bindings that were read hold themselves: a file that is included may serve several jobs.

    Objectives, networks, jobs and search spaces are used where something refers to them; a stage's settings, where
    the job has that stage; an objective's hyperparameter, unless the population searches it.
    """
    entries = list(bound())
    found = (*_not_chosen(entries), *_not_entered(entries), *_searched(entries))
    return [f"{key} has no effect: {why}" for key, why in found if key in given()]


def afterwards() -> list[str]:
    """The bindings among these that nothing asked for in this process, once a run is over."""
    used = parse_gin_text(gin.operative_config_str(max_line_length=10_000))
    asked = {_parts(key) for key in used}
    return [
        key
        for key, *_ in bound()
        if key in given() and "." in key and not any(_gives(_parts(key), call) for call in asked)
    ]


def _parts(key: str) -> tuple[tuple[str, ...], str]:
    scopes, _, name = key.rpartition("/")
    return tuple(scopes.split("/")) if scopes else (), name


def _gives(binding: tuple[tuple[str, ...], str], call: tuple[tuple[str, ...], str]) -> bool:
    """A call within scopes is given what is bound for the outer ones too."""
    return binding[1] == call[1] and call[0][: len(binding[0])] == binding[0]


def _kind(target: Any) -> str:
    """Of what stands for itself only where something refers to it; empty for all else."""
    if target in (SearchSpace, Dimension):
        return "space" if target is SearchSpace else "dimension"
    if not inspect.isfunction(target):
        return ""
    hints = get_type_hints(target)
    made, parameters = hints.get("return"), [*inspect.signature(target).parameters, ""]
    if Context in hints.values():
        return "job"
    if made is SearchSpace:
        return "space"
    if isinstance(made, type) and issubclass(made, Objective):
        return "objective"
    if made is keras.Model and parameters[0] == "image_shape":
        return "decoder" if "decoder" in target.__name__ else "encoder"
    return ""


def _chosen(kind: str) -> list[Any]:
    """What stands in the slot now, in any scope; the default where nothing is bound."""
    slot = _SLOTS[kind]
    values = [value for key, _, _, value in bound() if key.split("/")[-1] == slot]
    if values:
        return values
    parameters = inspect.signature(build).parameters
    return [parameters[kind].default] if kind in parameters else []


def _not_chosen(entries: list) -> Iterator[tuple[str, str]]:
    referred = {reference.configurable.wrapped for *_, value in entries for reference in references(value)}
    referred |= {value for kind in ("objective", "encoder", "decoder") for value in _chosen(kind)
                 if inspect.isfunction(value)}  # fmt: skip
    if not _chosen("space"):
        referred.add(SearchSpace)
    for key, target, _, _ in entries:
        if target is None or not (kind := _kind(target)) or inspect.unwrap(target) in map(inspect.unwrap, referred):
            continue
        slot, name = _SLOTS[kind], key.split("/")[-1].rpartition(".")[0]
        now = ", ".join(dict.fromkeys(_describe(value) for value in _chosen(kind))) or "not set"
        value = f"@{name}()" if kind == "space" else f"@{name}"
        yield key, f"{slot} is {now}; {slot} = {value} would use it."


def _not_entered(entries: list) -> Iterator[tuple[str, str]]:
    for value in _chosen("job"):
        name = _describe(value).lstrip("@")
        for key, *_ in entries:
            scope = key.split("/")[0]
            if name in _ENTERED and scope in _STAGES - {*_ENTERED[name]} and "/" in key:
                stages = ", ".join(_ENTERED[name])
                yield key, f"{name} has no stage '{scope}'; write it for {stages}, or without a scope."


def _searched(entries: list) -> Iterator[tuple[str, str]]:
    spaces = [reference.configurable.wrapped for value in _chosen("space") for reference in references(value)]
    if any(space is not SearchSpace for space in spaces):
        return
    dimensions = [value for key, _, _, value in entries if key.split("/")[-1] == _SLOTS["dimension"]]
    searched = {name for value in dimensions or [reference_dimensions()] for name in value}
    for key, target, parameter, _ in entries:
        if target is not None and _kind(target) == "objective" and parameter in searched:
            yield (
                key,
                f"the population searches {parameter!r}; say where by {parameter}/Dimension.initial, or leave "
                f"{parameter!r} out of SearchSpace.dimensions.",
            )


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    found = list(references(value))
    return f"@{found[0].selector}" if found else f"@{getattr(value, '__name__', value)}"
