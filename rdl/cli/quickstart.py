"""Trains a complete recursion on dSprites images, and says first how long it takes on this machine.

    bin/quickstart
    bin/quickstart --small
    bin/quickstart --gin_bindings='experiment.seed = 1' --output_dir=runs/seed_1

The settings are gin_configs/quickstart.gin, or tiny.gin with --small. The same command after a stop resumes the run.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl import kernels
from rdl.cli.configuration import configure
from rdl.errors import UserError
from rdl.runs import Layout, environment
from rdl.runs.layout import default_output_dir
from rdl.time_left import format_duration

FLAGS = flags.FlagValues()
flags.DEFINE_boolean("small", False, "A smaller recursion, in about two minutes.", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding such as 'experiment.seed = 1'; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_string("output_dir", None, "The run directory. Default: runs/quickstart or runs/tiny.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Runs the command: prints the expected duration, trains, and prints the results and where they are."""
    if len(arguments) > 0:
        raise UserError(f"bin/quickstart takes flags only, got {' '.join(arguments)}: see bin/quickstart --help.")
    gin_files = ["tiny.gin" if FLAGS.small else "quickstart.gin"]
    root = FLAGS.output_dir or str(default_output_dir(gin_files))
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here, since TensorFlow takes seconds to import and wrong flags are reported before it.
    configure(gin_files, FLAGS.gin_bindings)
    from rdl.auto.automatic_run import train_configured
    from rdl.auto.duration import estimate_duration
    from rdl.callbacks import run_summary
    from rdl.cli import worker

    if not Layout(Path(root)).journal.is_file():
        print("Measuring the speed of this machine ..", flush=True)
        duration = format_duration(estimate_duration(Path(root), worker.executor))
        shorter = "" if FLAGS.small else "; bin/quickstart --small takes a few minutes at most"
        print(f"The run takes about {duration} on this machine{shorter}.", flush=True)
    run_summary.print_summary(root, train_configured(root, worker.executor))
