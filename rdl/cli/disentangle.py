"""Finds the factors of your images in the time you give: inspects them, chooses all settings, and trains.

    bin/disentangle my_pictures
    bin/disentangle my_pictures --minutes=20 --factors=labels.csv
    bin/disentangle images.npz --minutes=180 --output_dir=runs/long

IMAGES is a folder of pictures, a file *.npz, *.npy or *.h5 of images, a table *.csv of numbers, or a name of `bin/data
list` (docs/data.md). No labels are needed; those in --factors are used to measure at the end, never to train. The plan
is an ordinary gin file, RUN/plan.gin. The same command after a stop resumes the run.
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
flags.DEFINE_float("minutes", 60, "Duration of the whole command.", flag_values=FLAGS)
flags.DEFINE_string(
    "factors", None, "CSV file of true factors: a header, then a line per image: its name, then its factors.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string("output_dir", None, "The run directory. Default: runs/<name of the images>.", flag_values=FLAGS)
flags.DEFINE_integer(
    "size", None, "Side of the images as the models see them: 16, 32 or 64 pixels. Default: chosen by the plan.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_integer(
    "channels", None, "Convert to grey (1) or RGB (3). Default: as the images are stored.", flag_values=FLAGS
)
flags.DEFINE_integer("seed", 0, "Seed of all randomness.", flag_values=FLAGS)
flags.DEFINE_list(
    "value_range", None, "Stored values of black and white, such as --value_range=0,4095. Default: recognised.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string(
    "background", None, "Ground of transparent pictures: white, black, grey or a level from 0 to 255.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string("images_key", None, "Name of the images in an npz or HDF5 file.", flag_values=FLAGS)
flags.DEFINE_string("factors_key", None, "Name of the factors in an npz or HDF5 file.", flag_values=FLAGS)
flags.DEFINE_list("continuous", None, "Names of the factors that are measured quantities.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Runs the command: prints the plan, trains, and prints the results and where they are."""
    started = time.perf_counter()
    if len(arguments) != 1:
        raise UserError(
            f"Expected one folder, file or name of images, got {' '.join(arguments) or 'nothing'} "
            "(bin/disentangle --help says more)."
        )
    from rdl.auto import request

    plain = ("minutes", "factors", "size", "channels", "seed", "images_key", "factors_key", "continuous")
    options = {name: FLAGS[name].value for name in plain}
    options["value_range"], options["background"] = _read_range(FLAGS.value_range), _read_level(FLAGS.background)
    auto_request, _ = request.make_request(arguments[0], **options)
    root = Path(FLAGS.output_dir or request.default_run_directory(auto_request))
    found = request.inspect_request(auto_request, root) if request.find_plan(auto_request, root) is None else None
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here, since TensorFlow takes seconds to import and wrong images are reported before it.
    configure()
    from rdl.auto import automatic_run
    from rdl.callbacks import run_summary
    from rdl.cli import worker
    from rdl.report.page import write_report

    summary = automatic_run.run_automatically(auto_request, root, found, None, worker.executor, started, _print)
    _print(f"The report is {write_report([root])}.")
    run_summary.print_summary(str(root), summary)


def _read_range(numbers: Sequence[str] | None) -> tuple[float, ...] | None:
    try:
        return None if numbers is None else tuple(map(float, numbers))
    except ValueError:
        raise UserError(
            f"--value_range must be two numbers, such as 0,4095, got {','.join(numbers or ())!r}."
        ) from None


def _read_level(text: str | None) -> str | int | None:
    return int(text) if text is not None and text.isdecimal() else text


def _print(line: str) -> None:
    print(line, flush=True)
