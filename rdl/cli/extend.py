"""Trains a finished or stopped run further: more generations, leaf runs, images or minutes.

    bin/extend runs/my_pictures --minutes=30
    bin/extend runs/quickstart --generations=10
    bin/extend runs/quickstart --leaf_runs=3
    bin/extend runs/quickstart --gin_bindings='x_run/population.generations = 12'

The result is what it would have been, had it been asked for at the start. Records that stay valid are kept, stages
that follow from what changes are trained again, and what was found before is set aside in RUN/before/.
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
flags.DEFINE_integer("generations", None, "Of the last stage, in all.", flag_values=FLAGS)
flags.DEFINE_integer("leaf_runs", None, "Of rpu_vae, in all.", flag_values=FLAGS)
flags.DEFINE_integer("images", None, "Images of models to train on in addition.", flag_values=FLAGS)
flags.DEFINE_float("minutes", None, "To train in addition, at the pace so far.", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding such as 'final/population.generations = 9'; may be repeated.", flag_values=FLAGS
)


def main(arguments: Sequence[str]) -> None:
    """Flags -> one call; prints what stays, what was found and where it lies."""
    if len(arguments) != 1:
        raise UserError(f"Expected one run directory, got {' '.join(arguments) or 'nothing'} (bin/extend --help).")
    root = Path(arguments[0])
    RunReader.open(root)
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here: TensorFlow takes seconds, and a wrong folder should be told at once.
    configure()
    from rdl.auto import automatic_run
    from rdl.callbacks import run_summary
    from rdl.cli import worker
    from rdl.extending import extension

    asked = {name: FLAGS[name].value for name in ("generations", "leaf_runs", "images", "minutes")}
    summary = extension.extend_run(
        root,
        lambda folder: automatic_run.train_configured(folder, worker.executor),
        lambda line: print(line, flush=True),
        bindings=FLAGS.gin_bindings,
        **asked,
    )
    run_summary.print_summary(str(root), summary)
