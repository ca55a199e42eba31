"""The configuration of a run: gin's bindings, resolved once into plain values.

gin is the input. Its bindings become a `RunConfig` when a run is opened; the run directory keeps it as ``config.json``.
Whatever reads the run afterwards reads these values, and neither imports nor calls anything that they name.
"""

import inspect
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gin

from rdl import kernels
from rdl.errors import UserError

_MARK = "@"  # the only key of a reference in JSON
_MACRO = "gin.macro"
# Recorded with the defaults of their parameters, as are the configurables that they or bindings reference.
_EVERY_RUN = ("experiment", "dataset", "model", "population", "Measurement", "measure")


@dataclass(frozen=True)
class Reference:
    """A reference to something that gin knows by name: ``@scope/name``, or ``@scope/name()`` for what it returns."""

    target: str
    called: bool = False

    @property
    def name(self) -> str:
        """The name without its scope."""
        return self.target.rpartition("/")[2]

    def __repr__(self) -> str:
        return f"@{self.target}{'()' if self.called else ''}"


Value = Any
"""None, True or False, a number, a string, a `Reference`, or a list or a dictionary with string keys of these."""


@dataclass(frozen=True)
class RunConfig:
    """The resolved configuration of a run. Macros are replaced by their values, tuples are lists.

    Attributes:
      settings: the bindings, ``"scope/name.parameter"`` -> value.
      defaults: the defaults of other parameters of the run, ``"name.parameter"`` -> value.
      gin_text: the configuration as gin writes it; with its imports, it can be parsed again.
      kernels: the CPU kernels that the run began with (`rdl.kernels`).
    """

    settings: Mapping[str, Value] = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    gin_text: str = ""
    kernels: str = kernels.UNKNOWN

    @classmethod
    def from_gin(cls) -> "RunConfig":
        """Resolves what is bound in gin now."""
        bound = {key: value for key, target, _, value in iter_bindings() if target is not None and _is_plain(value)}
        settings = {key: _plain(bound[key]) for key in sorted(bound)}
        return cls(settings, _defaults(settings), gin.config_str(), kernels.selected())

    @classmethod
    def operative(cls) -> "RunConfig":
        """Resolves the values that the calls of configurables in this process were given, defaults included."""
        settings = {
            _key(scope, selector, parameter): _plain(value)
            for (scope, selector), parameters in list(gin.config._OPERATIVE_CONFIG.items())
            for parameter, value in parameters.items()
            if selector != _MACRO and _is_plain(value)
        }
        return cls({key: settings[key] for key in sorted(settings)}, {}, gin.operative_config_str(), kernels.selected())

    @classmethod
    def from_json(cls, content: Any) -> "RunConfig":
        """Reads what `to_json` wrote.

        Raises:
          UserError: the content is something else.
        """
        kinds = {"settings": dict, "defaults": dict, "gin_text": str, "kernels": str}
        if not isinstance(content, dict) or any(not isinstance(content.get(key), kind) for key, kind in kinds.items()):
            raise UserError(f"A configuration must be an object with {', '.join(kinds)}, got {repr(content)[:100]}.")
        try:
            return cls(**{key: _from_json(content[key]) for key in kinds})
        except RecursionError:
            raise UserError("A configuration must not be nested so deep.") from None

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON."""
        return {
            "settings": _to_json(self.settings),
            "defaults": _to_json(self.defaults),
            "gin_text": self.gin_text,
            "kernels": self.kernels,
        }

    def value(self, key: str, default: Value = None) -> Value:
        """The value that a call within the key's scope gets.

        Args:
          key: such as ``"population.size"`` or ``"x_run/population.size"``.
          default: of a parameter that is neither bound nor known.
        """
        scope, _, name = key.rpartition("/")
        while scope:
            if f"{scope}/{name}" in self.settings:
                return self.settings[f"{scope}/{name}"]
            scope = scope.rpartition("/")[0]
        return self.settings.get(name, self.defaults.get(name, default))

    def name(self, key: str) -> str:
        """The name that a parameter refers to, or its text; empty where it is None or unknown."""
        value = self.value(key)
        return "" if value is None else value.name if isinstance(value, Reference) else str(value)

    def section(self, name: str) -> dict[str, Value]:
        """The bound parameters of one name, outside of scopes."""
        return {key.removeprefix(f"{name}."): self.settings[key] for key in self.settings if key.startswith(f"{name}.")}

    def referenced_names(self) -> set[str]:
        """The names that bindings and defaults refer to."""
        return {*_referred([*self.settings.values(), *self.defaults.values()])}

    def texts(self) -> dict[str, str]:
        """The bindings as gin writes their values, such as ``{"dataset.name": "'shapes3d'"}``."""
        return {key: format_value(value) for key, value in self.settings.items()}


def iter_bindings() -> Iterator[tuple[str, Any, str, Any]]:
    """gin's current bindings: key as in a gin file, configurable (None: a macro), parameter and value of each."""
    for (scope, selector), parameters in list(gin.config._CONFIG.items()):
        target = gin.config.ConfigurableReference(selector, False).configurable
        for parameter, value in parameters.items():
            if selector == _MACRO:
                yield scope, None, parameter, value
            else:
                yield _key(scope, selector, parameter), target.wrapped, parameter, value


def is_reference(value: Any) -> bool:
    """Whether the value is gin's ``@name`` or ``%macro``."""
    return isinstance(value, gin.config.ConfigurableReference)


def iter_parts(value: Any) -> Iterator[Any]:
    """The value and everything in it."""
    yield value
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from iter_parts(part)


def format_value(value: Any) -> str:
    """gin's text of a value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {format_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(format_value, value)) + "]"
    return repr(os.fspath(value) if isinstance(value, os.PathLike) else value)


def format_bindings(bindings: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """gin's lines for bindings given as values, ``{"experiment.seed": 1}``; lines of gin are returned as they are.

    A string that begins with @ or % is a reference or a macro.

    Raises:
      UserError: a string in place of a list of lines.
    """
    if isinstance(bindings, Mapping):
        return [f"{name} = {format_value(_verbatim(value))}" for name, value in bindings.items()]
    if isinstance(bindings, str):
        raise UserError(f"Bindings must be a dictionary or a list of gin's lines, got {bindings!r}: put it in [].")
    return list(bindings)


class _Verbatim(str):
    """gin's own text, which needs no quotes."""

    __repr__ = str.__str__


def _verbatim(value: Any) -> Any:
    """The value with its strings that are gin's own text marked as such."""
    if isinstance(value, Mapping):
        return {key: _verbatim(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_verbatim(part) for part in value]
    return _Verbatim(value) if isinstance(value, str) and value.startswith(("@", "%")) else value


def _key(scope: str, selector: str, parameter: str) -> str:
    return f"{scope}/{gin.config._REGISTRY.minimal_selector(selector)}.{parameter}".lstrip("/")


def _plain(value: Any) -> Value:
    """A value of gin as a `Value`: nothing that it refers to is called, but for gin's constants."""
    if is_reference(value):
        if repr(value).startswith("%"):  # a macro or a constant
            name = "/".join(value.scopes)
            bound = gin.config._CONFIG.get((name, _MACRO))
            return _plain(bound["value"] if bound else value.scoped_configurable_fn())
        return Reference("/".join([*value.scopes, _name(value.configurable)]), value.evaluate)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return Reference(_name(gin.config._inverse_lookup(value, allow_decorators=True)))


def _name(configurable: Any) -> str:
    return gin.config._REGISTRY.minimal_selector(configurable.selector)


def _defaults(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Defaults of the parameters of all configurables that the run refers to."""
    found: dict[str, Value] = {}
    names, visited = [*_EVERY_RUN, *(key.rpartition("/")[2].rpartition(".")[0] for key in settings)], set()
    names += _referred(settings)
    while names:
        name = names.pop()
        if name in visited or not (configurable := gin.config._REGISTRY.get_match(name)):
            continue
        visited.add(name)
        for parameter in inspect.signature(configurable.wrapped).parameters.values():
            default = parameter.default
            if default is parameter.empty or parameter.name in (configurable.denylist or ()) or not _is_plain(default):
                continue
            if (key := f"{name}.{parameter.name}") not in settings:
                found[key] = _plain(default)
                names += _referred(found[key])
    return {key: found[key] for key in sorted(found)}


def _referred(value: Value) -> list[str]:
    return [part.name for part in iter_parts(value) if isinstance(part, Reference)]


def _is_plain(value: Any) -> bool:
    """Whether `_plain` can write the value down; objects that calls made cannot be."""
    if isinstance(value, (list, tuple, Mapping)):
        return all(map(_is_plain, value.values() if isinstance(value, Mapping) else value))
    if isinstance(value, float):
        return math.isfinite(value)
    if is_reference(value) or value is None or isinstance(value, (bool, int, str)):
        return True
    return callable(value) and gin.config._inverse_lookup(value, allow_decorators=True) is not None


def _to_json(value: Any) -> Any:
    if isinstance(value, Reference):
        return {_MARK: repr(value)[1:]}
    if isinstance(value, Mapping):
        return {key: _to_json(part) for key, part in value.items()}
    return [_to_json(part) for part in value] if isinstance(value, list) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        target = value.get(_MARK)
        if len(value) == 1 and isinstance(target, str):
            return Reference(target.removesuffix("()"), target.endswith("()"))
        return {key: _from_json(part) for key, part in value.items()}
    return [_from_json(part) for part in value] if isinstance(value, list) else value
