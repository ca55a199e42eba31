"""gin's files and bindings read, and held to the names, scopes and types that the code knows."""

import difflib
import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import gin

from rdl import shipped
from rdl.config import types
from rdl.config.gin_text import parse_gin_text
from rdl.errors import UserError

# Files and their includes are looked for among those shipped too, so that they can be read from any folder. This takes
# the place of gin's search in Python's packages, which fails on folders that are none.
gin.config._FILE_READERS[1:] = [(lambda path: open(shipped.find(path)), lambda path: shipped.find(path).is_file())]  # noqa: SIM115

SCOPES = ("x_run", "leaf_run", "final", "population")
"""The scopes that the code enters: a population's settings by its stage."""

_given: set[str] = set()
_MACRO = "gin.macro"  # gin's name of what a %macro stands for
_LONGEST_REASON = 300


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
            _given.update(parse_gin_text(text))
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
        hint = _meant(reason)
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} .."
        raise UserError(f"The gin configuration is wrong: {reason}{hint}") from error


@contextmanager
def configured(gin_files: Sequence[str], bindings: Sequence[str] = ()) -> Iterator[None]:
    """gin with these files and bindings for a while, and empty afterwards; arguments and errors are `read_gin`'s."""
    gin.clear_config()
    try:
        read_gin(gin_files, bindings)
        yield
    finally:
        gin.clear_config()


def check_files(gin_files: Sequence[str]) -> None:
    """Looks whether the gin files are there; at once, where reading them has to wait for TensorFlow.

    Raises:
      UserError: names the missing file, and those that rdl ships.
    """
    for path in gin_files:
        if not os.path.isfile(shipped.find(path)):
            names = shipped.names()
            near = _near(Path(path).stem, {Path(name).stem for name in names}, ".gin")
            raise UserError(f"--gin_file {path} does not exist{near}; rdl ships {', '.join(names)}.")


def check_types() -> None:
    """Holds the values that gin has now to the types of the parameters they are for.

    gin itself looks at names alone: a text for a number would come back as a TypeError from deep inside a run.

    Raises:
      UserError: names the first value that does not fit, and what would.
    """
    for key, target, parameter, value in bound():
        types.hold(key, value, types.asked_for(target, parameter) if target is not None else Any)


def bound() -> Iterator[tuple[str, Any, str, Any]]:
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


def references(value: Any) -> Iterator[Any]:
    """gin's references to other names in a value, macros left out."""
    for part in types.parts_of(value):
        if types.is_reference(part) and part.configurable.selector != _MACRO:
            yield part


def _check_names() -> None:
    """Macros that are used must be defined; scopes that are set must be entered by the code or by a reference.

    Raises:
      UserError: names the first that is not, and what it may have been meant to be.
    """
    entries = list(bound())
    referred = [part for *_, value in entries for part in types.parts_of(value) if types.is_reference(part)]
    macros = {key for key, target, *_ in entries if target is None}
    for reference in referred:
        name = "/".join(reference.scopes)
        if reference.configurable.selector == _MACRO and name not in macros:
            raise UserError(f"The macro %{name} is not defined{_near(name, macros)}: write {name} = .. in a gin file.")
    entered = {*SCOPES, *(scope for reference in referred for scope in reference.scopes)}
    for key, target, *_ in entries:
        for scope in key.split("/")[:-1]:
            if target is not None and scope not in entered:
                raise UserError(
                    f"Nothing enters the scope '{scope}' of {key}{_near(scope, entered)}: use {', '.join(SCOPES)}, or "
                    f"refer to it as in @{scope}/name()."
                )


def _meant(reason: str) -> str:
    """What gin's message of an unknown name may have been meant to be; empty where nothing is near."""
    if match := re.search(r"Configurable '([\w.]+)' doesn't have a parameter named '(\w+)'", reason):
        parameters = inspect.signature(gin.config._REGISTRY.get_match(match[1]).wrapped).parameters
        return _near(match[2], set(parameters))
    if match := re.search(r"No configurable matching '([\w.]+)'", reason):
        return _near(match[1], {selector.rpartition(".")[2] for selector, _ in gin.config._REGISTRY.items()})
    return ""


def _near(name: str, known: set[str], ending: str = "") -> str:
    """The known name that is like the one given; an ending that all have would make any two alike, and is left out."""
    found = difflib.get_close_matches(name, sorted(known), 1)
    return f" (did you mean '{found[0]}{ending}'?)" if found else ""
