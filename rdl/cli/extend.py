"""Trains a finished or stopped run further: more generations, leaf runs, images or minutes.

    bin/extend runs/my_pictures --minutes=30
    bin/extend runs/quickstart --generations=10
    bin/extend runs/quickstart --leaf_runs=3
    bin/extend runs/quickstart --gin_bindings='x_run/population.generations = 12'

The result equals that of a run started with the final settings. Valid records are kept, stages that depend on a change
are trained again, and earlier results are archived in RUN/before/.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl import kernels
from rdl.cli.configuration import configure
from rdl.errors import UserError
from rdl.runs import RunReader, environment

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_integer("generations", None, "Total number of generations of the last stage.", flag_values=FLAGS)
flags.DEFINE_integer("leaf_runs", None, "Total number of leaf runs of rpu_vae.", flag_values=FLAGS)
flags.DEFINE_integer("images", None, "Number of additional training images over all models.", flag_values=FLAGS)
flags.DEFINE_float("minutes", None, "Additional minutes of training, at the speed so far.", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding such as 'final/population.generations = 9'; may be repeated.", flag_values=FLAGS
)


def main(arguments: Sequence[str]) -> None:
    """Runs the command: prints the records that are kept, trains, and prints the results and where they are."""
    if len(arguments) != 1:
        raise UserError(f"Expected one run directory, got {' '.join(arguments) or 'nothing'} (bin/extend --help).")
    root = Path(arguments[0])
    RunReader.open(root)
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here, since TensorFlow takes seconds to import and a wrong folder is reported before it.
    configure()
    from rdl.auto import automatic_run
    from rdl.callbacks import run_summary
    from rdl.cli import worker
    from rdl.extending import extension

    changes = {name: FLAGS[name].value for name in ("generations", "leaf_runs", "images", "minutes")}
    summary = extension.extend_run(
        root,
        lambda folder: automatic_run.train_configured(folder, worker.executor),
        lambda line: print(line, flush=True),
        bindings=FLAGS.gin_bindings,
        **changes,
    )
    run_summary.print_summary(str(root), summary)
