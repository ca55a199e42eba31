"""Measures finished runs by disentanglement_lib's metrics and writes that library's result tree into each run.

    bin/evaluate --run=runs/quickstart                           all ten metrics, means and samples
    bin/evaluate --run=runs/a --run=runs/b --metrics=mig,dci --representations=mean --repeats=5
    bin/evaluate --run=runs/a --metrics=dci --gin_bindings='dci.backend = "lightgbm"'
    bin/evaluate --run=runs/a --preset=fast                      a first look: LightGBM, fewer points

Each metric prints its expected time when it begins and its scores when it ends. Metrics that are already measured are
skipped, so an interrupted command resumes; --overwrite measures again.
"""

from collections.abc import Sequence

from absl import flags

from rdl.cli.configuration import configure
from rdl.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string("run", [], "A finished run; may be repeated.", flag_values=FLAGS)
flags.DEFINE_list(
    "metrics", ["all"], "Names of files in gin_configs/metrics, or gin files, separated by commas.", flag_values=FLAGS
)
flags.DEFINE_list("representations", ["mean", "sampled"], "mean, sampled or both.", flag_values=FLAGS)
flags.DEFINE_string("preset", "", "Name of a file in gin_configs/metrics/presets: fast.", flag_values=FLAGS)
flags.DEFINE_integer(
    "repeats", 1, "Evaluation seeds per metric; results are means with standard errors.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding on top of the metrics' files; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_bool("overwrite", False, "Measure again what is already measured.", flag_values=FLAGS)


def main(_: Sequence[str]) -> None:
    """Measures each run."""
    for name in ("run", "metrics", "representations"):
        if not FLAGS[name].value:
            raise UserError(f"--{name} must not be empty: see bin/evaluate --help.")
    # Imported here, since TensorFlow takes seconds to import and wrong flags should fail at once.
    configure()
    from rdl.results import evaluation

    metrics = evaluation.METRICS if FLAGS.metrics == ["all"] else FLAGS.metrics
    for run in FLAGS.run:
        print(f"{run}:", flush=True)
        evaluation.evaluate_run(
            run,
            metrics,
            FLAGS.representations,
            FLAGS.repeats,
            FLAGS.gin_bindings,
            FLAGS.overwrite,
            lambda line: print(f"  {line}", flush=True),
            FLAGS.preset,
        )
