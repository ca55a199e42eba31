"""Reads gin files and bindings, and checks their names, scopes and types."""

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
from gin import config_parser

from rdl import shipped
from rdl.config import types
from rdl.config.run_config import is_reference, iter_bindings, iter_parts
from rdl.errors import UserError

# gin also finds the shipped files, from any working directory. This replaces gin's search in Python packages, which
# raises an error where a folder is not a package.
gin.config._FILE_READERS[1:] = [
    (
        lambda path: open(shipped.find_gin_file(path)),  # noqa: SIM115
        lambda path: shipped.find_gin_file(path).is_file(),
    )
]

SCOPES = ("x_run", "leaf_run", "final", "population")
"""The scopes that the code enters: the stages of a run."""

_given: set[str] = set()
_MACRO = "gin.macro"  # gin's name of macros
_LONGEST_REASON = 300


def read_gin(gin_files: Sequence[str], bindings: Sequence[str], skip_unknown: bool = False) -> None:
    """Parses gin files and bindings.

    Args:
      gin_files: later ones win.
      bindings: on top of the files.
      skip_unknown: ignore names that no imported module registers, and accept more bindings later.

    Raises:
      UserError: a missing file, an unknown name, scope or macro, a syntax error, a value that is not finite or has
        the wrong type.
    """
    check_files(gin_files)
    if (here := os.getcwd()) not in sys.path:  # a gin file may import the user's modules (docs/extending.md)
        sys.path.append(here)
    try:
        _given.clear()
        gin.parse_config_files_and_bindings(list(gin_files), list(bindings), False, skip_unknown=skip_unknown)
        for text in (*(shipped.find_gin_file(path).read_text(errors="replace") for path in gin_files), *bindings):
            _given.update(keys_in(text))
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
    except Exception as error:  # gin, Python's parser of literals and imported modules raise errors of all kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = _suggest(reason)
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} .."
        raise UserError(f"The gin configuration is wrong: {reason}{hint}") from error


@contextmanager
def configured(gin_files: Sequence[str], bindings: Sequence[str] = ()) -> Iterator[None]:
    """Configures gin within a ``with`` block and clears it afterwards. Arguments and errors: see `read_gin`."""
    gin.clear_config()
    try:
        read_gin(gin_files, bindings)
        yield
    finally:
        gin.clear_config()


def check_files(gin_files: Sequence[str]) -> None:
    """Checks that gin files exist, which takes no time, whereas reading them imports TensorFlow.

    Raises:
      UserError: names the missing file, and the files that rdl ships.
    """
    for path in gin_files:
        if not os.path.isfile(shipped.find_gin_file(path)):
            names = shipped.list_gin_files()
            near = _suggest_name(Path(path).stem, {Path(name).stem for name in names}, ".gin")
            raise UserError(f"--gin_file {path} does not exist{near}; rdl ships {', '.join(names)}.")


def check_types() -> None:
    """Checks all values that are bound in gin against the annotations of their parameters.

    gin itself checks only names: without this check, a string for a number raises a TypeError deep inside a run.

    Raises:
      UserError: names the first wrong value and the type that was expected.
    """
    for key, target, parameter, value in iter_bindings():
        types.check_type(key, value, types.wanted_type(target, parameter) if target is not None else Any)


def keys_given() -> frozenset[str]:
    """The keys in the files and bindings of the last `read_gin` themselves, without those of included files."""
    return frozenset(_given)


def iter_references(value: Any) -> Iterator[Any]:
    """gin's references to configurables in a value, without macros."""
    for part in iter_parts(value):
        if is_reference(part) and part.configurable.selector != _MACRO:
            yield part


class _Names(config_parser.ParserDelegate):
    """Lets gin's parser read values without looking up what they refer to."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        return None

    def macro(self, macro_name):
        return None


def keys_in(text: str) -> set[str]:
    """The keys that gin's text binds; includes and imports are not followed.

    Raises:
      SyntaxError, TokenError: the text is not gin's.
    """
    statements = config_parser.ConfigParser(text, _Names())
    bindings = [one for one in statements if isinstance(one, config_parser.BindingStatement)]
    return {f"{one.scope}/{one.selector}.{one.arg_name}".strip("/.") for one in bindings}


def _check_names() -> None:
    """Checks that used macros are defined, and that the code or a reference enters the scopes of all bindings.

    Raises:
      UserError: names the first wrong one, and a similar name.
    """
    entries = list(iter_bindings())
    referred = [part for *_, value in entries for part in iter_parts(value) if is_reference(part)]
    macros = {key for key, target, *_ in entries if target is None}
    for reference in referred:
        name = "/".join(reference.scopes)
        if reference.configurable.selector == _MACRO and name not in macros:
            raise UserError(
                f"The macro %{name} is not defined{_suggest_name(name, macros)}: write {name} = .. in a gin file."
            )
    entered = {*SCOPES, *(scope for reference in referred for scope in reference.scopes)}
    for key, target, *_ in entries:
        for scope in key.split("/")[:-1]:
            if target is not None and scope not in entered:
                raise UserError(
                    f"Nothing enters the scope '{scope}' of {key}{_suggest_name(scope, entered)}: use "
                    f"{', '.join(SCOPES)}, or refer to it as in @{scope}/name()."
                )


def _suggest(reason: str) -> str:
    """A known name similar to the unknown one in gin's error message; empty where none is similar."""
    if match := re.search(r"Configurable '([\w.]+)' doesn't have a parameter named '(\w+)'", reason):
        parameters = inspect.signature(gin.config._REGISTRY.get_match(match[1]).wrapped).parameters
        return _suggest_name(match[2], set(parameters))
    if match := re.search(r"No configurable matching '([\w.]+)'", reason):
        return _suggest_name(match[1], {selector.rpartition(".")[2] for selector, _ in gin.config._REGISTRY.items()})
    return ""


def _suggest_name(name: str, known: set[str], ending: str = "") -> str:
    """The known name most similar to a name. An ending shared by all known names is not part of the comparison."""
    found = difflib.get_close_matches(name, sorted(known), 1)
    return f" (did you mean '{found[0]}{ending}'?)" if found else ""
