"""Checks values of gin against the annotations of their parameters.

Written by hand: typeguard rejects gin's ``@name``, accepts ``True`` as a number and ``"abc"`` as a list of strings, and
by default checks only the first item of a list.
"""

import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from rdl.config.ranges import LARGEST
from rdl.config.run_config import is_reference, iter_parts
from rdl.errors import UserError

_LARGEST_FLOAT = 3.4e38  # of float32, in which networks compute
_DESCRIPTIONS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text in quotes",
    types.NoneType: "None",
}


def check_type(key: str, value: Any, wanted: Any) -> None:
    """Checks a value against a type.

    Args:
      key: the name of the value in the error.
      value: plain, or a reference of gin's.
      wanted: an annotation; `Between` in an ``Annotated`` is checked too.

    Raises:
      UserError: the value is of another type, or contains a number or an object that no run can use.
    """
    for part in iter_parts(value):
        if isinstance(part, float) and not math.isfinite(part):
            raise UserError(f"{key} must be finite, got {part!r}: write a number that a float can hold.")
        if isinstance(part, float) and abs(part) > _LARGEST_FLOAT:
            raise UserError(f"{key} must be at most {_LARGEST_FLOAT}, got {part!r}.")
        if isinstance(part, int) and abs(part) > LARGEST:
            raise UserError(f"{key} must be at most {LARGEST}, got {_shorten(part)}.")
        if isinstance(part, (complex, bytes, set)) or part is ...:
            raise UserError(f"{key} must be made of numbers, texts, lists and dictionaries, got {_shorten(part)}.")
    if not _fits(value, wanted):
        raise UserError(f"{key} must be {_describe(wanted)}, got {_shorten(value)}.")


def _shorten(value: Any) -> str:
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"a number of {int(math.log10(abs(value))) + 1} digits"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} .."


def wanted_type(target: Any, parameter: str) -> Any:
    """The annotation of a parameter; the type of its default where it has none."""
    hints, parameters = _hints(target), inspect.signature(target).parameters
    if parameter in hints or parameter not in parameters:
        return hints.get(parameter, Any)
    # disentanglement_lib has no annotations, and its whole numbers are all counts; elsewhere 1 may stand for 1.0.
    whole = int if target.__module__.startswith("third_party.") else float
    return {int: whole, float: float, bool: bool, str: str}.get(type(parameters[parameter].default), Any)


def _fits(value: Any, wanted: Any) -> bool:
    origin, parts = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return True
    if origin is Annotated:
        return _fits(value, parts[0]) and (is_reference(value) or all(range_.holds(value) for range_ in parts[1:]))
    if wanted is types.NoneType:
        return value is None
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if is_reference(value):
        if value.configurable.module.split(".")[0] == "gin":  # the value of a %macro is checked under its own name
            return True
        if value.evaluate == (origin is Callable):  # @make() is an object, @make is a function
            return False
        target = value.configurable.wrapped
        if origin is Callable and not _takes(target, parts[0]):
            return False
        return _may_be(_made_by(target), parts[-1] if origin is Callable else wanted)
    if origin is Callable:
        return callable(value)
    if origin is Sequence:
        return isinstance(value, (list, tuple)) and all(_fits(part, parts[0]) for part in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items())
    if wanted in _DESCRIPTIONS:
        kinds = (int, float) if wanted is float else wanted
        return isinstance(value, kinds) and isinstance(value, bool) == (wanted is bool)
    return not isinstance(wanted, type)  # other objects can only be references


def _hints(target: Any) -> dict[str, Any]:
    return get_type_hints(target.__init__ if isinstance(target, type) else target, include_extras=True)  # type: ignore[misc]


def _made_by(target: Any) -> Any:
    return target if isinstance(target, type) else get_type_hints(target).get("return", Any)


def _takes(target: Any, given: Any) -> bool:
    """Whether a function accepts arguments of these types; False only where the classes show that it does not."""
    hints = _hints(target)
    parameters = [p for p in inspect.signature(target).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    wanted = [hints.get(parameter.name, Any) for parameter in parameters]
    return given is ... or all(map(_may_be, given, wanted))


def _may_be(made: Any, wanted: Any) -> bool:
    """Whether an object of one type may be of the other; False only where both are classes and not related."""
    made, wanted = get_origin(made) or made, get_origin(wanted) or wanted
    plain = all(isinstance(kind, type) and kind is not Any for kind in (made, wanted))
    return not plain or getattr(wanted, "_is_protocol", False) or issubclass(made, wanted)


def _describe(wanted: Any) -> str:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return f"{_describe(parts[0])} {' and '.join(map(str, parts[1:]))}"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_describe, parts)))
    if origin is Callable:
        return "a function such as @name"
    if origin is Sequence:
        return f"a list whose parts are each {_describe(parts[0])}"
    if origin is Mapping:
        return f"a dictionary whose values are each {_describe(parts[1])}"
    return _DESCRIPTIONS.get(wanted) or f"a {getattr(wanted, '__name__', wanted)} such as @name() makes"
