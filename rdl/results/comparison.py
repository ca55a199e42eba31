"""Scores side by side, as tables.

Scores are comparable under the same conditions only: data set, representation, points, bins, trees. What was measured
under other conditions than most of its column stays in the table with a note.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rdl.errors import UserError
from rdl.results import statistics
from rdl.results.run_scores import Result
from rdl.runs import files

# The one or few numbers of a metric that a table shows unless asked for others.
HEADLINES = {
    "mig": ("discrete_mig",),
    "dci": ("disentanglement", "completeness", "informativeness_test"),
    "sap_score": ("SAP_score",),
    "modularity_explicitness": ("modularity_score", "explicitness_score_test"),
    "irs": ("IRS",),
    "beta_vae_sklearn": ("eval_accuracy",),
    "factor_vae_metric": ("eval_accuracy",),
    "unsupervised": ("gaussian_total_correlation", "mutual_info_score"),
    "infomec": ("infom", "infoe", "infoc"),
    "dci_es": ("explicitness", "size"),
    "downstream_task_boosted_trees": ("10000:mean_test_accuracy",),
    "downstream_task_logistic_regression": ("10000:mean_test_accuracy",),
}


@dataclass(frozen=True)
class Row:
    """The numbers of one method in one column, measured under the same conditions.

    Attributes:
      column: data set, representation, metric, key.
      method: name and strength.
      values: one a model.
      note: how the conditions differ from most of the column's; empty where they do not.
    """

    column: tuple[str, str, str, str]
    method: str
    values: tuple[float, ...]
    note: str = ""

    def statistics(self) -> dict[str, float]:
        """n, mean, standard deviation of a sample, quartiles, interquartile mean; ``_low``, ``_high``: their intervals.

        What one model says nothing about is NaN.
        """
        mean, robust = statistics.mean(self.values), statistics.interquartile_mean(self.values)
        low, middle, high = map(float, np.quantile(self.values, (0.25, 0.5, 0.75)))
        return {
            "n": len(self.values), "mean": mean.value, "std": statistics.deviation(self.values),
            "median": middle, "q25": low, "q75": high, "mean_low": mean.low, "mean_high": mean.high,
            "iqm": robust.value, "iqm_low": robust.low, "iqm_high": robust.high,
        }  # fmt: skip


def table(
    results: Sequence[Result], metrics: Sequence[str] | None = None, representation: str | None = "mean"
) -> list[Row]:
    """Rows by column and method; the numbers of ``metrics`` (all of theirs), or the headlines of all metrics.

    Within a column the conditions that most models share are the rule, and other rows say how theirs differ.

    Raises:
      UserError: nothing of what is asked for is there.
    """
    chosen = [
        result
        for result in results
        if (representation is None or result.representation == representation)
        and (result.metric in metrics if metrics else result.key in HEADLINES.get(result.metric, (result.key,)))
    ]
    if not chosen:
        there = sorted({f"{result.metric} ({result.representation})" for result in results})
        raise UserError(f"Nothing to compare: there are {', '.join(there)}; choose --metrics and --representation.")
    columns: dict[tuple, dict[tuple, dict[str, list[float]]]] = {}
    for result in chosen:
        groups = columns.setdefault(result.column, {})
        groups.setdefault(result.conditions, {}).setdefault(result.method, []).append(result.value)
    rows = []
    for column, groups in columns.items():
        usual = max(groups, key=lambda conditions: sum(map(len, groups[conditions].values())))
        for conditions, methods in groups.items():
            note = "; ".join(f"{key} {value}" for key, value in conditions if (key, value) not in usual)
            rows += [Row(column, method, tuple(values), note) for method, values in methods.items()]
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table for every data set, representation and metric."""
    blocks = []
    for column in dict.fromkeys(row.column for row in rows):
        dataset, representation, metric, key = column
        lines = [
            f"### {metric}: {key} ({dataset}, {representation})",
            "",
            "| method | n | mean [95 %] | interquartile mean [95 %] | std | median | quartiles | |",
            "|---|---:|---:|---:|---:|---:|---:|---|",
        ]
        for row in (row for row in rows if row.column == column):
            found = row.statistics()
            deviation = "" if np.isnan(found["std"]) else f"{found['std']:.3f}"
            note = f"not comparable: {row.note}" if row.note else ""
            means = f"{statistics.mean(row.values)} | {statistics.interquartile_mean(row.values)}"
            lines.append(
                f"| {row.method} | {found['n']} | {means} | {deviation} | {found['median']:.3f} | "
                f"{found['q25']:.3f} .. {found['q75']:.3f} | {note} |"
            )
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def csv_text(rows: Sequence[Row]) -> str:
    """The same as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dataset", "representation", "metric", "key", "method", *rows[0].statistics(), "note"])
    for row in rows:
        writer.writerow([*row.column, row.method, *row.statistics().values(), row.note])
    return text.getvalue()


def write(rows: Sequence[Row], folder: str | Path) -> list[Path]:
    """Writes ``comparison.md`` and ``comparison.csv``; returns their paths."""
    markdown_path, csv_path = Path(folder) / "comparison.md", Path(folder) / "comparison.csv"
    files.write_text(markdown_path, markdown(rows))
    files.write_text(csv_path, csv_text(rows))
    return [markdown_path, csv_path]
