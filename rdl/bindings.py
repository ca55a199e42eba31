"""The door of gin's text: files and bindings read, and held to the names, scopes and types that the code knows.

A gin file is a program: reading it imports what it names, and running it calls what it refers to. The text that a run
directory keeps is none: it is only read, by `of_text` and `literals`, which import and call nothing.
"""

import ast
import difflib
import inspect
import math
import os
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from tokenize import TokenError
from typing import Any, Union, get_args, get_origin, get_type_hints

import gin

from rdl import shipped
from rdl.errors import UserError

Settings = dict[str, str]
"""gin's names -> gin's text of the values, such as ``{"dataset.name": "'shapes3d'"}``."""

# Files and their includes are looked for among those shipped too, so that they can be read from any folder. This takes
# the place of gin's search in Python's packages, which fails on folders that are none.
gin.config._FILE_READERS[1:] = [(lambda path: open(shipped.find(path)), lambda path: shipped.find(path).is_file())]  # noqa: SIM115

SCOPES = ("x_run", "leaf_run", "final", "population")
"""The scopes that the code enters: a population's settings by its stage."""

_given: set[str] = set()
_MACRO = "gin.macro"  # gin's name of what a %macro stands for
_LONGEST_LITERAL = 10_000  # characters
_LONGEST_REASON = 300
_LARGEST = 2**63 - 1  # of whole numbers: what 64 bits hold
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
      UserError: a missing file, an unknown name, scope or macro, a syntax error, a value that is not finite or of
        another type than asked for.
    """
    check_files(gin_files)
    if (here := os.getcwd()) not in sys.path:  # a gin file may import modules of one's own (docs/extending.md)
        sys.path.append(here)
    try:
        _given.clear()
        for text in (*(shipped.find(path).read_text(errors="replace") for path in gin_files), *bindings):
            _given.update(of_text(text))
        gin.parse_config_files_and_bindings(list(gin_files), list(bindings), False, skip_unknown=skip_unknown)
        check_types()
        if not skip_unknown:
            _check_names()
            gin.finalize()
    except UserError:
        raise
    except TokenError as error:
        raise UserError(
            f"The gin configuration is wrong: a bracket or a quote is not closed ({error.args[0]})."
        ) from error
    except RecursionError as error:
        raise UserError(
            "The gin configuration is wrong: files include each other in a circle, or values are nested too deep."
        ) from error
    except Exception as error:  # whatever gin, Python's reader of literals or an imported module says of such text
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} .."
        raise UserError(f"The gin configuration is wrong: {reason}") from error


def check_files(gin_files: Sequence[str]) -> None:
    """Looks whether the gin files are there; at once, where reading them has to wait for TensorFlow.

    Raises:
      UserError: names the missing file, and those that rdl ships.
    """
    for path in gin_files:
        if not os.path.isfile(shipped.find(path)):
            raise UserError(f"--gin_file {path} does not exist; rdl ships {', '.join(shipped.names())}.")


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
    settings, values = of_text(config), {}
    for parameter in parameters:
        key = f"{name}.{parameter}"
        if key not in settings:
            continue
        text = settings[key]
        if text.startswith("%"):  # a macro, which is a binding too
            text = settings.get(text[1:], text)
        values[parameter] = value = _literal(key, text)
        _hold(key, value, _wanted(function, parameter))
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


def check_types() -> None:
    """Holds the values that gin has now to the types of the parameters they are for.

    gin itself looks at names alone: a text for a number would come back as a TypeError from deep inside a run.

    Raises:
      UserError: names the first value that does not fit, and what would.
    """
    for key, target, parameter, value in _bound():
        _hold(key, value, _wanted(target, parameter) if target is not None else Any)


def _bound() -> Iterator[tuple[str, Any, str, Any]]:
    """What gin has bound now: the key as a gin file writes it, its bearer (None: a macro), parameter, value."""
    for (scope, selector), parameters in list(gin.config._CONFIG.items()):
        target = gin.config.ConfigurableReference(selector, False).configurable
        name = gin.config._REGISTRY.minimal_selector(selector)
        for parameter, value in parameters.items():
            if selector == _MACRO:
                yield scope, None, parameter, value
            else:
                yield f"{scope}/{name}.{parameter}".lstrip("/"), target.wrapped, parameter, value


def given() -> frozenset[str]:
    """The keys that the files and bindings of the last `read_gin` hold themselves, those of included files left out."""
    return frozenset(_given)


def bound() -> Iterator[tuple[str, Any, str, Any]]:
    """What gin has bound now: the key as a gin file writes it, its bearer (None: a macro), parameter, value."""
    yield from _bound()


def references(value: Any) -> Iterator[Any]:
    """gin's references to other names in a value, macros left out."""
    for part in _parts(value):
        if _is_reference(part) and part.configurable.selector != _MACRO:
            yield part


def _check_names() -> None:
    """Macros that are used must be defined; scopes that are set must be entered by the code or by a reference.

    Raises:
      UserError: names the first that is not, and what it may have been meant to be.
    """
    bound = list(_bound())
    references = [part for *_, value in bound for part in _parts(value) if _is_reference(part)]
    macros = {key for key, target, *_ in bound if target is None}
    for reference in references:
        name = "/".join(reference.scopes)
        if reference.configurable.selector == _MACRO and name not in macros:
            raise UserError(f"The macro %{name} is not defined{_near(name, macros)}: write {name} = .. in a gin file.")
    entered = {*SCOPES, *(scope for reference in references for scope in reference.scopes)}
    for key, target, *_ in bound:
        for scope in key.split("/")[:-1]:
            if target is not None and scope not in entered:
                raise UserError(
                    f"Nothing enters the scope '{scope}' of {key}{_near(scope, entered)}: use {', '.join(SCOPES)}, or "
                    f"refer to it as in @{scope}/name()."
                )


def _near(name: str, known: set[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), 1)
    return f" (did you mean '{found[0]}'?)" if found else ""


def _is_reference(value: Any) -> bool:
    return isinstance(value, gin.config.ConfigurableReference)


def _parts(value: Any) -> Iterator[Any]:
    """The value and everything in it."""
    yield value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _parts(part)


def _hold(key: str, value: Any, wanted: Any) -> None:
    for part in _parts(value):
        if isinstance(part, float) and not math.isfinite(part):
            raise UserError(f"{key} must be finite, got {part!r}: write a number that a float can hold.")
        if isinstance(part, int) and abs(part) > _LARGEST:
            raise UserError(f"{key} must be at most {_LARGEST}, got {_shown(part)}.")
        if isinstance(part, (complex, bytes, set)) or part is ...:
            raise UserError(f"{key} must be made of numbers, texts, lists and dictionaries, got {_shown(part)}.")
    if not _fits(value, wanted):
        raise UserError(f"{key} must be {_in_words(wanted)}, got {_shown(value)}.")


def _shown(value: Any) -> str:
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"a number of {int(math.log10(abs(value))) + 1} digits"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} .."


def _wanted(target: Any, parameter: str) -> Any:
    """The parameter's annotation; where it has none, the kind of its default."""
    hints, parameters = _hints(target), inspect.signature(target).parameters
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
    if _is_reference(value):
        if value.configurable.module.split(".")[0] == "gin":  # %macro and the like stand for anything
            return True
        if value.evaluate == (origin is Callable):  # @make() is a thing, @make makes things
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
    if wanted in _WORDS:
        kinds = (int, float) if wanted is float else wanted
        return isinstance(value, kinds) and isinstance(value, bool) == (wanted is bool)
    return not isinstance(wanted, type)  # an object of any other class can only be referred to


def _hints(target: Any) -> dict[str, Any]:
    return get_type_hints(target.__init__ if isinstance(target, type) else target)  # type: ignore[misc]


def _made_by(target: Any) -> Any:
    return target if isinstance(target, type) else get_type_hints(target).get("return", Any)


def _takes(target: Any, given: Any) -> bool:
    """Whether a function can be called with arguments of these types: False only where one is plainly another's."""
    hints = _hints(target)
    parameters = [p for p in inspect.signature(target).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    wanted = [hints.get(parameter.name, Any) for parameter in parameters]
    return given is ... or all(map(_may_be, given, wanted))


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
