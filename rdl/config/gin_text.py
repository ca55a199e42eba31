"""gin's text read back, without importing or calling anything: what a run directory keeps is no program."""

import ast
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rdl.config import types
from rdl.errors import UserError

Bindings = dict[str, str]
"""gin's names -> gin's text of the values, such as ``{"dataset.name": "'shapes3d'"}``."""

_LONGEST_LITERAL = 10_000  # characters


def parse_gin_text(text: str) -> Bindings:
    """The bindings in gin's text, one entry each; a value over several lines is joined into one.

    Comments, imports and includes are left out.
    """
    settings: Bindings = {}
    key = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if match := re.match(r"([\w./]+)\s*=\s*(.*)", line):
            key = match[1]
            settings[key] = match[2].rstrip("\\").strip()
        elif line.startswith((" ", "}", "]", ")")) and key:
            settings[key] = f"{settings[key]} {line.strip()}".strip()
    return settings


def literals(config: str, name: str, function: Callable, parameters: Sequence[str]) -> dict[str, Any]:
    """What gin's text binds for a function, as plain values: nothing is imported, nothing is called.

    Args:
      config: gin's text, such as a run's ``config.gin``.
      name: gin's name of the function.
      function: holds the types of its parameters.
      parameters: those that are read; others are passed over.

    Raises:
      UserError: a value that is no literal, or of another type than the parameter's.
    """
    settings, values = parse_gin_text(config), {}
    for parameter in parameters:
        key = f"{name}.{parameter}"
        if key not in settings:
            continue
        text = settings[key]
        if text.startswith("%"):  # a macro, which is a binding too
            text = settings.get(text[1:], text)
        values[parameter] = value = _literal(key, text)
        types.hold(key, value, types.asked_for(function, parameter))
    return values


def _literal(key: str, text: str) -> Any:
    try:
        if len(text) > _LONGEST_LITERAL:
            raise ValueError
        with warnings.catch_warnings(action="ignore"):
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        shown = text if len(text) <= 60 else f"{text[:60]} .."
        raise UserError(f"{key} of the run's configuration must be a plain value to be read, got {shown}.") from None


def written(bindings: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """gin's lines for settings given as values, ``{"experiment.seed": 1}``; lines in gin's own text stay.

    A text that opens with @ or % refers to what gin knows by that name.

    Raises:
      UserError: one text in place of several lines.
    """
    if isinstance(bindings, Mapping):
        return [f"{name} = {_text(value)}" for name, value in bindings.items()]
    if isinstance(bindings, str):
        raise UserError(f"Bindings are a dictionary or a list of gin's lines, got the text {bindings!r}: put it in [].")
    return list(bindings)


def _text(value: Any) -> str:
    """gin's text of a value; references within lists and dictionaries too."""
    if isinstance(value, str) and value.startswith(("@", "%")):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_text, value)) + "]"
    return repr(os.fspath(value) if isinstance(value, os.PathLike) else value)
