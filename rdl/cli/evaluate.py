"""Measures finished runs by disentanglement_lib's metrics, in that library's tree of results inside the run.

    bin/evaluate --run=runs/quickstart                           all ten metrics, on means and samples
    bin/evaluate --run=runs/a --run=runs/b --metrics=mig,dci --representations=mean --repeats=5
    bin/evaluate --run=runs/a --metrics=dci --gin_bindings='dci.backend = "lightgbm"'
    bin/evaluate --run=runs/a --preset=fast                      a first look: boosted trees by LightGBM, fewer points

Each metric says how long it may take when it begins, and its numbers when it is done. What is measured already is
skipped, so a command that was stopped goes on; --overwrite measures again.
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
flags.DEFINE_list("representations", ["mean", "sampled"], "Of mean and sampled.", flag_values=FLAGS)
flags.DEFINE_string("preset", "", "A file of gin_configs/metrics/presets: fast.", flag_values=FLAGS)
flags.DEFINE_integer(
    "repeats", 1, "Evaluation seeds per metric; results are then means, with standard errors.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "gin_bindings", [], "Gin binding on top of the metrics' files; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_bool("overwrite", False, "Measure again what is measured already.", flag_values=FLAGS)


def main(_: Sequence[str]) -> None:
    """Flags -> runs -> result trees."""
    for name in ("run", "metrics", "representations"):
        if not FLAGS[name].value:
            raise UserError(f"Nothing to do without --{name} (bin/evaluate --help says more).")
    # Imported here: TensorFlow takes seconds, and a wrong flag should be told at once.
    configure()
    from rdl.results import evaluation

    metrics = evaluation.METRICS if FLAGS.metrics == ["all"] else FLAGS.metrics
    for run in FLAGS.run:
        print(f"{run}:", flush=True)
        evaluation.evaluate(
            run,
            metrics,
            FLAGS.representations,
            FLAGS.repeats,
            FLAGS.gin_bindings,
            FLAGS.overwrite,
            lambda line: print(f"  {line}", flush=True),
            FLAGS.preset,
        )
