"""Writes a page about finished or running runs: RUN/report/index.html, its figures beside it.

bin/report runs/quickstart
bin/report runs/seed_0 runs/seed_1 runs/seed_2 --output_dir=runs/seeds
bin/report runs/study_small                        a whole study, by method and strength
bin/report runs/rpu_vae --watch                    rewrites the page as records land
bin/report runs/rpu_vae --baselines=runs/study     beside other runs, result trees or disentanglement_lib's JSON
"""

from collections.abc import Sequence

from absl import flags

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_string("output_dir", None, "Where to write. Default: report/ in the first run.", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "baselines", [], "Further results: folders, or aggregated JSON; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_bool("watch", False, "Rewrite the page as records land, until the runs are finished.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Runs -> one page."""
    from rdl import quiet_start  # noqa: F401, I001  (first: before anything imports TensorFlow)
    from rdl.report import watch

    watch.write_pages(arguments, FLAGS.output_dir, FLAGS.baselines, FLAGS.watch)
