"""Trains the models of a gin file, and resumes a stopped run.

    bin/train --gin_file=quickstart.gin
    bin/train --gin_file=rpu_vae.gin --gin_bindings='experiment.seed = 1' --output_dir=runs/seed_1

A gin file is a path, or the name of a file that rdl ships (gin_configs/). All results are in the run directory:
tensorboard --logdir RUN/tensorboard shows the training, results/summary.json has the scores.
"""

from collections.abc import Sequence

from absl import flags

from rdl import kernels
from rdl.cli.configuration import configure
from rdl.config import check_files
from rdl.errors import UserError
from rdl.runs import environment
from rdl.runs.layout import default_output_dir

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    "gin_file", [], "Gin file to read; may be repeated, later ones win. See gin_configs/.", flag_values=FLAGS
)
flags.DEFINE_alias("gin_config", "gin_file", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding such as 'experiment.seed = 1'; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_enum(
    "executor", None, ["serial", "ray"], "Where members are trained; the same as the binding executor.name.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string("output_dir", None, "The run directory. Default: runs/<name of the gin file>.", flag_values=FLAGS)


def main(_: Sequence[str]) -> None:
    """Runs the command: reads the gin files, trains, and prints the results and where they are."""
    gin_files, bindings = FLAGS.gin_file, FLAGS.gin_bindings
    if not gin_files and not bindings:
        raise UserError("Nothing to do: give --gin_file=quickstart.gin (bin/train --help says more).")
    check_files(gin_files)
    root = FLAGS.output_dir or str(default_output_dir(gin_files))
    kernels.select(environment.recorded_kernels(root))
    print("Starting TensorFlow ..", flush=True)
    # Imported here, since TensorFlow takes seconds to import and wrong flags are reported before it.
    on_top = [f"executor.name = '{FLAGS.executor}'"] if FLAGS.executor else []
    configure(gin_files, [*bindings, *on_top])
    from rdl.callbacks import run_summary
    from rdl.cli import worker
    from rdl.jobs import experiment
    from rdl.training.threads import configure_threads

    configure_threads()
    run_summary.print_summary(root, experiment.experiment(root, worker.executor))
