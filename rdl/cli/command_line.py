"""What the binaries share: gin files and bindings in, one call, exit codes out.

Exit codes: 0 done, 2 the user's input is wrong, 1 our fault (with a traceback), 130 interrupted.
"""

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
from rdl.errors import UserError


def run(app, main: Callable, positional: bool = False) -> None:
    """absl's ``app.run`` with our exit codes; arguments other than flags are refused unless ``positional``."""

    def guarded(argv: list[str]) -> int:
        logging.getLogger("absl").setLevel(logging.WARNING)
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            if len(argv) > 1 and not positional:
                raise UserError(f"Expected flags only, got {argv[1]!r}: see {Path(argv[0]).name} --help.")
            return main(argv) or 0
        except UserError as error:
            # gin appends lines about where in the configuration the call was made.
            print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
            return 2
        except BrokenPipeError:  # who reads what is printed has seen enough, such as head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            print("\nstopped; the same command goes on from here.", file=sys.stderr)
            return 130

    app.run(guarded, flags_parser=_parse_flags)


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
