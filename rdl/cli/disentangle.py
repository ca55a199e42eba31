"""Finds the factors of your images, in the time you give: looks at them, chooses all settings, trains the recursion.

    bin/disentangle my_pictures
    bin/disentangle my_pictures --minutes=20 --factors=labels.csv
    bin/disentangle images.npz --minutes=180 --output_dir=runs/long

IMAGES is a folder with PNG or JPEG files, a file *.npz with `images`, or a name of `bin/data list`. No labels are
needed; those in --factors are used to measure at the end, never to train. What was chosen is an ordinary gin file,
RUN/plan.gin. The same command after a stop goes on where it was.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl import kernels
from rdl.cli.configuration import configure
from rdl.errors import UserError
from rdl.runs import environment

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_float("minutes", 60, "How long the whole may take.", flag_values=FLAGS)
flags.DEFINE_string(
    "factors", None, "CSV file of known factors: a header, then an image's name and a column a factor (docs/data.md).",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string("output_dir", None, "The run directory. Default: runs/<name of the images>.", flag_values=FLAGS)
flags.DEFINE_integer(
    "size", None, "Learn from 16, 32 or 64 pixels a side, not from the size chosen.", flag_values=FLAGS
)
flags.DEFINE_integer("channels", None, "Learn from grey (1) or RGB (3), not from what is stored.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "All randomness of the run derives from it.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Flags -> one call; prints what was chosen, what was found and where it lies."""
    began = time.perf_counter()
    if len(arguments) != 1:
        raise UserError(
            f"Expected one folder, file or name of images, got {' '.join(arguments) or 'nothing'} "
            "(bin/disentangle --help says more)."
        )
    from rdl.auto import request as requests

    asked = {name: FLAGS[name].value for name in ("minutes", "factors", "size", "channels", "seed")}
    request, _ = requests.of(arguments[0], **asked)
    root = Path(FLAGS.output_dir or requests.default_output_dir(request))
    found = requests.seen(request, root) if requests.written(request, root) is None else None
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here: TensorFlow takes seconds, and wrong images should be told at once.
    configure()
    from rdl.auto import automatic_run
    from rdl.callbacks import run_summary
    from rdl.cli import worker
    from rdl.report.page import write_report

    summary = automatic_run.disentangle(request, root, found, None, worker.executor, began, _say)
    _say(f"The page about it is {write_report([root])}.")
    run_summary.print_summary(str(root), summary)


def _say(line: str) -> None:
    print(line, flush=True)
