"""Converts JSON values to dataclasses and checks the types of their fields."""

import dataclasses
import enum
import functools
import math
import types
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from rdl.errors import UserError

Kind = TypeVar("Kind")
_LARGEST_FLOAT = 1e300  # sums of larger numbers overflow
_LARGEST_INT = 2**64  # seeds have up to 64 bits


def typed(kind: type[Kind], content: Any) -> Kind:
    """Converts a JSON value to a type: the inverse of ``dataclasses.asdict`` followed by JSON.

    Fields with defaults may be absent. Unknown fields are ignored, so that records of newer versions can be read.

    Args:
      kind: a dataclass, or a list, dict, tuple, union or plain type.
      content: the JSON value.

    Raises:
      UserError: a field is missing or has another type; the message names it.
    """
    return _read(kind, content, getattr(kind, "__name__", str(kind)))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(wanted: Any, value: Any, where: str) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(parts, value, where)
    if dataclasses.is_dataclass(wanted):
        return _dataclass(wanted, value, where)  # type: ignore[arg-type]
    if origin in (list, tuple) and isinstance(value, (list, tuple)):
        if origin is tuple and parts[-1] is not ...:
            if len(parts) == len(value):
                return tuple(_read(part, item, where) for part, item in zip(parts, value, strict=True))
        else:
            return origin(_read(parts[0], item, where) for item in value)
    if origin is dict and isinstance(value, dict):
        return {_read(parts[0], key, where): _read(parts[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(wanted, type) and _is(wanted, value):
        return wanted(value) if issubclass(wanted, enum.Enum) else value
    raise UserError(f"{where}: expected {wanted}, got {repr(value)[:100]}")


def _is(wanted: type, value: Any) -> bool:
    """Whether a JSON value has the type. Integers are floats too, but True is not a number."""
    if issubclass(wanted, enum.Enum):
        return value in [member.value for member in wanted]
    if wanted is int:
        return type(value) is int and abs(value) <= _LARGEST_INT
    if wanted is float:
        return type(value) in (int, float) and abs(value) <= _LARGEST_FLOAT and math.isfinite(value)
    return type(value) is wanted


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    for number, kind in enumerate(kinds, 1):
        try:
            return _read(kind, value, where)
        except UserError:
            if number == len(kinds):
                raise
    return None


def _dataclass(kind: type, value: Any, where: str) -> Any:
    hints = _hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object of {', '.join(fields)}, got {repr(value)[:100]}")
    needed = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing := [name for name in needed if name not in value]:
        raise UserError(f"{where}: {missing[0]} is missing")
    return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in value.items() if name in fields})
