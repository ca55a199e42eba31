"""Sets results side by side: runs of rdl, disentanglement_lib's result trees, its aggregated JSON.

    bin/compare runs/study runs/rpu_vae
    bin/compare runs/rpu_vae --baselines=dlib_results.json --metrics=mig,dci --output_dir=comparison

Prints Markdown; with --output_dir also comparison.md, .csv, .png and .svg there. Scores measured under other
conditions (points, bins, trees) than most of their table are marked, and left out of the plot. Models count as one
method's only if their configurations differ in nothing but the seed; else the shortest setting that differs is named.
"""

from collections.abc import Sequence

from absl import flags

from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_multi_string(
    "baselines", [], "Further results: folders, or aggregated JSON; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_list(
    "metrics", None, "Only these, with all their numbers. Default: the main numbers of all.", flag_values=FLAGS
)
flags.DEFINE_enum(
    "representation", "mean", ["mean", "sampled", "both"], "Which representation's scores.", flag_values=FLAGS
)
flags.DEFINE_enum("format", "markdown", ["markdown", "csv"], "What to print.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Where to write the table and the plots.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Results -> table and plots."""
    sources = [*arguments, *FLAGS.baselines]
    if not sources:
        raise UserError("Nothing to compare: give runs, folders of runs, or --baselines=FILE.")
    from rdl.results import comparison, comparison_plots, run_scores

    representation = None if FLAGS.representation == "both" else FLAGS.representation
    rows = comparison.table(run_scores.read(sources), FLAGS.metrics, representation)
    print(comparison.markdown(rows) if FLAGS.format == "markdown" else comparison.csv_text(rows), end="")
    if FLAGS.output_dir:
        for path in (*comparison.write(rows, FLAGS.output_dir), *comparison_plots.draw(rows, FLAGS.output_dir)):
            print(path)
