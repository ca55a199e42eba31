"""Runs the commands. ``rdl train`` and ``bin/train`` are the same code.

A command is a module of this package whose docstring is its help. It has either its own ``FLAGS``, so that several
commands can be imported, and ``main(positional_arguments)``; or ``parser()`` and ``main(parsed)``. It imports
TensorFlow after its flags are checked.

Exit codes: 0 done, 2 wrong input, 1 a bug in rdl (with a traceback), 130 interrupted, 141 the output has no reader.
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
    """The command ``rdl`` of an installed package: its first argument is the name of a command."""
    name, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if name in ("--help", "-h", "help"):
        width = max(map(len, COMMANDS))
        print("Robust disentangled representations.\n")
        for command in COMMANDS:
            print(f"  rdl {command:<{width}}  {_summarize(_module(command))}")
        print("\nrdl COMMAND --help describes a command.")
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
      arguments: the arguments after the command's name; None: those of the process.
      before: the text that a user types before the command's name, for help and error messages.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("absl").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    given = list(sys.argv[1:] if arguments is None else arguments)
    return outputs.guard(lambda: _run(_module(name), name, given, before), lambda line: _use_prefix(line, before))


def _run(command: ModuleType, name: str, rest: list[str], before: str) -> int:
    if hasattr(command, "parser"):
        parser = command.parser()
        parser.prog, parser.description = f"{before}{name}", _use_prefix(parser.description, before)
        return command.main(parser.parse_args(rest)) or 0
    if {"--help", "-h", "-help"} & set(rest):
        listed = command.FLAGS.get_help(include_special_flags=False).strip().partition("\n")[2]
        print(_use_prefix(f"{command.__doc__}\nFlags:\n{listed}", before))
        return 0
    rest = _parse(command.FLAGS, f"{before}{name}", rest)
    if rest and not getattr(command, "POSITIONAL", False):
        raise UserError(f"Expected flags only, got {rest[0]!r}: see bin/{name} --help.")
    return command.main(rest) or 0


def _parse(values: flags.FlagValues, program: str, arguments: Sequence[str]) -> list[str]:
    """Sets the flags; returns the positional arguments.

    Raises:
      UserError: an unknown flag, or an invalid value.
    """
    try:
        return values([program, *arguments])[1:]
    except flags.Error as error:
        raise UserError(f"{' '.join(str(error).split())} ({program} --help says more)") from error


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"rdl.cli.{name}")


def _summarize(module: ModuleType) -> str:
    """The first line of the docstring up to its first comma, so that each line of the list fits a terminal."""
    return re.split("[,;:] ", (module.__doc__ or "").splitlines()[0])[0].rstrip(".")


def _use_prefix(text: str, before: str) -> str:
    """Replaces ``bin/train`` in a text by ``rdl train`` for an installed package."""
    return re.sub(rf"\bbin/(?=({'|'.join(COMMANDS)})\b)", before, text)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
