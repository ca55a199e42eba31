"""What the binaries share: gin files and bindings in, one call, exit codes out.

Exit codes: 0 done, 2 the user's input is wrong, 1 our fault (with a traceback), 130 interrupted.
"""

import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags
from rich.console import Console

from rdl.bindings import check_files
from rdl.cli.configuration import configure
from rdl.errors import UserError, in_one_line


def run(app, main: Callable, positional: bool = False) -> None:
    """absl's ``app.run`` with our exit codes; arguments other than flags are refused unless ``positional``."""

    def guarded(argv: list[str]) -> int:
        logging.getLogger("absl").setLevel(logging.WARNING)
        signal.signal(signal.SIGTERM, _interrupt)
        if len(argv) > 1 and not positional:
            raise UserError(f"Expected flags only, got {argv[1]!r}: see {Path(argv[0]).name} --help.")
        return main(argv) or 0

    app.run(lambda argv: guard(lambda: guarded(argv)), flags_parser=_parse_flags)


def guard(main: Callable[[], int]) -> int:
    """The exit code of a command, whose last words are one line wherever they go.

    What its output's encoding has no characters for is escaped, so that a terminal of ASCII or a name on disk that is
    no UTF-8 ends nothing. An output that is closed or full is an error of the user's, as a file would be.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        print("error: standard output is closed: give it a file, or /dev/null.", file=sys.stderr)
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
        return code
    except UserError as error:
        return _say(f"error: {in_one_line(error)}", 2)
    except BrokenPipeError:  # who reads what is printed has seen enough, such as head
        _silence()
        return 0
    except KeyboardInterrupt:
        return _say("\nstopped; the same command goes on from here.", 130)
    except OSError as error:
        if error.filename is not None or error.errno not in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EFBIG,
            errno.EIO,
            errno.EBADF,
        ):
            raise
        _silence()
        return _say(f"error: Cannot write to standard output ({error.strerror}): choose another place for it.", 2)


def _say(line: str, code: int) -> int:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return code


def _silence() -> None:
    """What is still to be printed would fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse_flags(argv: list[str]) -> list[str]:
    """What absl does with flags, but for its exit code of 1, which here says that the fault is ours."""
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        reason = " ".join(str(error).split())
        print(f"error: {reason} (bin/{Path(argv[0]).name} --help says more)", file=sys.stderr)
        sys.exit(2)
    except SystemExit:  # after --help
        sys.exit(0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def train(gin_files: Sequence[str], bindings: Sequence[str], output_dir: str | None) -> int:
    """The job of ``bin/train``: runs the experiment and prints what was found and where it lies."""
    if not gin_files and not bindings:
        raise UserError("Nothing to do: give --gin_file=gin_configs/quickstart.gin (bin/train --help says more).")
    check_files(gin_files)
    # Imported here: TensorFlow takes seconds, and a wrong flag should be told at once.
    configure(gin_files, bindings)
    from rdl.cli import worker
    from rdl.jobs import experiment
    from rdl.training.threads import settle_threads
    from rdl.watch import display

    settle_threads()
    root = Path(output_dir) if output_dir else experiment.default_output_dir(list(gin_files))
    summary = experiment.experiment(str(root), worker.executor)
    console = Console()
    console.print(display.summary_table(summary))
    console.print(
        f"\nEverything lies in {root}: results/summary.json, results/traversals.png, model/.", highlight=False
    )
    console.print(f"Watch it:   tensorboard --logdir {root}", highlight=False)
    console.print(f"Use it:     python -c \"import rdl; print(rdl.load('{root}').encode)\"", highlight=False)
    return 0
