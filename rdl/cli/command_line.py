"""What the commands share: flags in, one call, exit codes out. ``rdl train`` and ``bin/train`` are the same code.

A command is a module of this package whose docstring is its help. It has ``FLAGS`` of its own, so that commands can be
imported side by side, and ``main(arguments)``, of what is no flag; or ``parser()`` and ``main(parsed)``. It imports
TensorFlow only once its flags are found right.

Exit codes: 0 done, 2 the user's input is wrong, 1 our fault (with a traceback), 130 interrupted.
"""

import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from absl import flags

from rdl import version
from rdl.cli import outputs
from rdl.errors import UserError

COMMANDS = ("disentangle", "train", "extend", "evaluate", "compare", "report", "study", "data", "export", "metrics")


def main() -> int:
    """The command ``rdl``, of an installed package: its first argument says what to do."""
    name, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if name in ("--help", "-h", "help"):
        width = max(map(len, COMMANDS))
        print("Robust disentangled representations.\n")
        for command in COMMANDS:
            print(f"  rdl {command:<{width}}  {_first_words(_module(command))}")
        print("\nrdl COMMAND --help says more.")
        return 0
    if name == "--version":
        print(version.__version__)
        return 0
    if name not in COMMANDS:
        print(f"error: rdl has no command {name!r}: use one of {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    return run(name, arguments, "rdl ")


def run(name: str, arguments: Sequence[str] | None = None, before: str = "bin/") -> int:
    """Runs a command; returns its exit code.

    Args:
      name: one of ``COMMANDS``.
      arguments: what follows the command's name; None: the process's own.
      before: what a user writes before the command's name, for help and advice.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("absl").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    given = list(sys.argv[1:] if arguments is None else arguments)
    return outputs.guard(lambda: _run(_module(name), name, given, before), lambda line: _as_started(line, before))


def _run(command: ModuleType, name: str, rest: list[str], before: str) -> int:
    if hasattr(command, "parser"):
        parser = command.parser()
        parser.prog, parser.description = f"{before}{name}", _as_started(parser.description, before)
        return command.main(parser.parse_args(rest)) or 0
    if {"--help", "-h", "-help"} & set(rest):
        listed = command.FLAGS.get_help(include_special_flags=False).strip().partition("\n")[2]
        print(_as_started(f"{command.__doc__}\nFlags:\n{listed}", before))
        return 0
    rest = _parse(command.FLAGS, f"{before}{name}", rest)
    if rest and not getattr(command, "POSITIONAL", False):
        raise UserError(f"Expected flags only, got {rest[0]!r}: see bin/{name} --help.")
    return command.main(rest) or 0


def _parse(values: flags.FlagValues, program: str, arguments: Sequence[str]) -> list[str]:
    """Sets the flags; returns what is none.

    Raises:
      UserError: an unknown flag, or a value that does not fit.
    """
    try:
        return values([program, *arguments])[1:]
    except flags.Error as error:
        raise UserError(f"{' '.join(str(error).split())} ({program} --help says more)") from error


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"rdl.cli.{name}")


def _first_words(module: ModuleType) -> str:
    """The docstring's first line up to its first comma, so that a line of the list fits a terminal."""
    return re.split("[,;:] ", (module.__doc__ or "").splitlines()[0])[0].rstrip(".")


def _as_started(text: str, before: str) -> str:
    """Our texts speak of ``bin/train``; an installed package has ``rdl train``."""
    return re.sub(rf"\bbin/(?=({'|'.join(COMMANDS)})\b)", before, text)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
