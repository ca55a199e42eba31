"""Compares results: runs of rdl, disentanglement_lib's result trees, and its aggregated JSON.

    bin/compare runs/study runs/rpu_vae --reference=rpu_vae
    bin/compare runs/rpu_vae --baselines=dlib_results.json --metrics=mig,dci --output_dir=comparison

Prints a Markdown table per metric: mean, interval, spread, and the probability that a run of --reference beats a run of
each other method. With --output_dir also writes comparison.md, comparison.csv (every number), .png and .svg there. Each
table uses one protocol, bin/evaluate's or the runs' own; scores measured otherwise (protocol, points, bins, trees) are
marked and left out of the plot. Runs count as seeds of one method only if their configurations differ in nothing but
the seed; otherwise the shortest setting that differs is named.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from rdl.errors import UserError

FLAGS = flags.FlagValues()
POSITIONAL = True
flags.DEFINE_multi_string(
    "baselines", [], "Further results: folders or aggregated JSON; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_list(
    "metrics",
    None,
    "Metrics to show with all their numbers. Default: the main numbers of all metrics.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "representation", "mean", ["mean", "sampled", "both"], "Representation whose scores are shown.", flag_values=FLAGS
)
flags.DEFINE_string("reference", None, "Method that the others are compared with.", flag_values=FLAGS)
flags.DEFINE_enum("format", "markdown", ["markdown", "csv"], "Output: tables, or every number.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Folder for the tables and the plot.", flag_values=FLAGS)


def main(arguments: Sequence[str]) -> None:
    """Prints and writes the comparison."""
    sources = [*arguments, *FLAGS.baselines]
    if not sources:
        raise UserError("Nothing to compare: give runs, folders of runs, or --baselines=FILE.")
    from rdl.results.dot_plot import draw_dots, save_dots
    from rdl.results.results_table import read_results
    from rdl.results.summary import format_summary, select_results, summarize
    from rdl.runs import files

    representation = None if FLAGS.representation == "both" else FLAGS.representation
    results = select_results(read_results(sources), FLAGS.metrics, representation)
    if FLAGS.reference is not None and FLAGS.reference not in set(results["method"]):
        known = ", ".join(dict.fromkeys(results["method"]))
        raise UserError(f"--reference must be one of {known}; got {FLAGS.reference!r}.")
    texts = {"markdown": format_summary(summarize(results, FLAGS.reference)), "csv": results.to_csv(index=False)}
    print(texts[FLAGS.format], end="")
    if FLAGS.output_dir:
        folder = Path(FLAGS.output_dir)
        for name, text in (("comparison.md", texts["markdown"]), ("comparison.csv", texts["csv"])):
            files.write_text(folder / name, text)
            print(folder / name)
        highlight = [FLAGS.reference] if FLAGS.reference else []
        for path in save_dots(draw_dots(results, highlight), folder):
            print(path)
