"""gin's files and bindings: read, held to the types that the code asks for, and read back from text."""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import gin

from rdl.errors import UserError

Settings = dict[str, str]
"""gin's names -> gin's text of the values, such as ``{"dataset.name": "'shapes3d'"}``."""

_ROOT = Path(__file__).resolve().parents[1]
# Includes are looked for in the checkout too, so that files can be read from any folder. This takes the place of gin's
# search in Python's packages, which fails on folders that are none.
gin.config._FILE_READERS[1:] = [(lambda path: open(_ROOT / path), lambda path: (_ROOT / path).is_file())]  # noqa: SIM115

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text in quotes",
    types.NoneType: "None",
}


def read_gin(gin_files: Sequence[str], bindings: Sequence[str], skip_unknown: bool = False) -> None:
    """Parses gin files and bindings.

    Args:
      gin_files: later ones win.
      bindings: on top of the files.
      skip_unknown: leave out what no imported module has, and stay open for more.

    Raises:
      UserError: a missing file, an unknown name, a syntax error, a value of another type than asked for.
    """
    check_files(gin_files)
    options = {"skip_unknown": skip_unknown, "finalize_config": not skip_unknown}
    try:
        gin.parse_config_files_and_bindings(list(gin_files), list(bindings), **options)
    except (ValueError, SyntaxError, TypeError, ImportError, OSError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"The gin configuration is wrong: {reason}") from error
    check_types()


def check_files(gin_files: Sequence[str]) -> None:
    """Looks whether the gin files are there; at once, where reading them has to wait for TensorFlow.

    Raises:
      UserError: names the missing file, and those that rdl ships.
    """
    for path in gin_files:
        if not Path(path).is_file():
            shipped = sorted(str(p) for p in Path("gin_configs").glob("*.gin"))
            hint = f"; there are {', '.join(shipped)}" if shipped else ""
            raise UserError(f"--gin_file {path} does not exist{hint}.")


def of_text(text: str) -> Settings:
    """The bindings in gin's text, one entry each; a value over several lines is joined into one.

    Comments, imports and includes are left out.
    """
    settings: Settings = {}
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


def check_types() -> None:
    """Holds the values that gin has now to the types of the parameters they are for.

    gin itself looks at names alone: a text for a number would come back as a TypeError from deep inside a run.

    Raises:
      UserError: names the first value that does not fit, and what would.
    """
    for key in of_text(gin.config_str(max_line_length=10_000)):
        name, dot, parameter = key.rpartition(".")
        if not dot:  # a macro
            continue
        target = gin.config.ConfigurableReference(name, False).configurable.wrapped
        wanted = _wanted(target.__init__ if isinstance(target, type) else target, parameter)  # type: ignore[misc]
        value = gin.query_parameter(key)
        if not _fits(value, wanted):
            raise UserError(f"{key} must be {_in_words(wanted)}, got {value!r}.")


def _wanted(function: Callable, parameter: str) -> Any:
    """The parameter's annotation; where it has none, the kind of its default."""
    hints, parameters = get_type_hints(function), inspect.signature(function).parameters
    if parameter in hints or parameter not in parameters:
        return hints.get(parameter, Any)
    return {int: float, float: float, bool: bool, str: str}.get(type(parameters[parameter].default), Any)


def _fits(value: Any, wanted: Any) -> bool:
    origin, parts = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return True
    if wanted is types.NoneType:
        return value is None
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if isinstance(value, gin.config.ConfigurableReference):
        if value.configurable.module.split(".")[0] == "gin":  # %macro and the like stand for anything
            return True
        if value.evaluate == (origin is Callable):  # @make() is a thing, @make makes things
            return False
        return _may_be(_made_by(value.configurable.wrapped), parts[-1] if origin is Callable else wanted)
    if origin is Callable:
        return callable(value)
    if origin is Sequence:
        return isinstance(value, (list, tuple)) and all(_fits(part, parts[0]) for part in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items())
    if wanted in _WORDS:
        kinds = (int, float) if wanted is float else wanted
        return isinstance(value, kinds) and isinstance(value, bool) == (wanted is bool)
    return not isinstance(wanted, type)  # an object of any other class can only be referred to


def _made_by(target: Any) -> Any:
    return target if isinstance(target, type) else get_type_hints(target).get("return", Any)


def _may_be(made: Any, wanted: Any) -> bool:
    """Whether a thing of one type can be of the other: False only where both are plain classes that say no."""
    made, wanted = get_origin(made) or made, get_origin(wanted) or wanted
    plain = all(isinstance(kind, type) and kind is not Any for kind in (made, wanted))
    return not plain or getattr(wanted, "_is_protocol", False) or issubclass(made, wanted)


def _in_words(wanted: Any) -> str:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_in_words, parts)))
    if origin is Callable:
        return "a function such as @name"
    if origin is Sequence:
        return f"a list whose parts are each {_in_words(parts[0])}"
    if origin is Mapping:
        return f"a dictionary whose values are each {_in_words(parts[1])}"
    return _WORDS.get(wanted) or f"a {getattr(wanted, '__name__', wanted)} such as @name() makes"
