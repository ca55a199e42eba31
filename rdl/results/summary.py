"""The summary of results: a table per metric with a row per method, as Markdown text."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from rdl.errors import UserError
from rdl.results import conditions, metric_names, statistics

GROUP = ["dataset", "representation", "metric"]
"""Columns within which scores are comparable."""


def select_results(
    results: pd.DataFrame, metrics: Iterable[str] | None = None, representation: str | None = "mean"
) -> pd.DataFrame:
    """The results of some metrics, or the headline numbers of all metrics, on one representation (None: on any).

    Raises:
      UserError: none of them is there.
    """
    names = metric_names.select_metrics(results["metric"], metrics)
    chosen = results[results["metric"].isin(names)]
    if representation is not None:
        chosen = chosen[chosen["representation"] == representation]
    if chosen.empty:
        pairs = zip(results["metric"].str.partition(".")[0], results["representation"], strict=True)
        there = ", ".join(sorted({f"{metric} ({name})" for metric, name in pairs}))
        raise UserError(f"Nothing to compare: found {there or 'no results'}; choose --metrics and --representation.")
    return chosen


def select_comparable(results: pd.DataFrame) -> pd.DataFrame:
    """One measurement per model, and a column ``note`` that says where its conditions differ from most of its column.

    ``bin/evaluate`` and a run itself measure on different points. Within a data set, representation and metric, the
    protocol that covers most models counts, ``bin/evaluate`` if both cover equally many. Models that only the other
    protocol has measured get a note, like those measured with other points, bins or trees.
    """
    parts = []
    for _, group in results.groupby(GROUP, sort=False):
        covered = group.groupby("measured_by")["run"].nunique()
        protocol = max(covered.index, key=lambda name: (covered[name], name == conditions.EVALUATE))
        own = group["measured_by"] == protocol
        usual = group.loc[own, "conditions"].mode().iloc[0]
        kept = group[own | ~group["run"].isin(group.loc[own, "run"])]
        parts.append(kept.assign(note=[_describe_note(*row, protocol, usual) for row in _pairs(kept)]))
    return pd.concat(parts).sort_index() if parts else results.assign(note="")


def _pairs(results: pd.DataFrame) -> Iterable[tuple[str, str]]:
    return zip(results["measured_by"], results["conditions"], strict=True)


def _describe_note(measured_by: str, own: str, protocol: str, usual: str) -> str:
    parts = ["" if measured_by == protocol else f"measured by {measured_by}"]
    return "; ".join(filter(None, [*parts, conditions.describe_difference(own, usual)]))


def summarize(
    results: pd.DataFrame, reference: str | None = None, absent: Mapping[str, str] | None = None
) -> dict[tuple[str, str, str], pd.DataFrame]:
    """A table for each data set, representation and metric: one row per method, cells as text.

    Args:
      results: as `rdl.results.results_table.read_results` returns them; measurements of other conditions than most get
        a row of their own with a note.
      reference: the method that the others are compared with: the column ``P(reference better)`` is its
        `probability_of_improvement` over each, with the paired p-value where both are models of the same runs.
      absent: method -> runs without results as text, such as ``failed 1 (seed 7)``; stands beside n. A method without
        any result gets an empty row.

    Returns:
      (data set, representation, metric) -> a table with the columns method, n, mean [95 %], std, worst, best,
      P(reference better) and note; the last two only where there is something to say.
    """
    tables, absent = {}, absent or {}
    for key, group in select_comparable(results).groupby(GROUP, sort=False):
        metric, rows = str(key[2]), []
        ours = group[(group["method"] == reference) & (group["note"] == "")]
        for (method, note), own in group.groupby(["method", "note"], sort=False):
            values = own["value"].to_numpy()
            rows.append(
                {
                    "method": method,
                    "n": "; ".join(filter(None, [str(len(values)), absent.get(str(method))])),
                    "mean [95 %]": describe_sample(values, metric),
                    "std": "" if len(values) < 2 else f"{statistics.standard_deviation(values):.3f}",
                    "worst": f"{values.min():.3f}",
                    "best": f"{values.max():.3f}",
                    f"P({reference} better)": "" if note or method == reference else _compare(ours, own),
                    "note": note and f"not comparable: {note}",
                }
            )
        there = {row["method"] for row in rows}
        rows += [{"method": method, "n": f"0; {runs}"} for method, runs in absent.items() if method not in there]
        rows.sort(key=lambda row: row["method"] != reference)  # the reference first, the others in their order
        table = pd.DataFrame(rows).fillna("")
        empty = [column for column in (f"P({reference} better)", "note") if not table[column].any()]
        tables[key] = table.drop(columns=empty)
    return tables


def summarize_metrics(results: pd.DataFrame, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """One table of all metrics: rows are methods, columns metrics, cells as in ``mean [95 %]`` of `summarize`.

    Args:
      results: of one data set and representation.
      metrics: columns, ``<metric>.<key>``; all in their order if None.
    """
    methods = list(dict.fromkeys(results["method"]))
    names = list(dict.fromkeys(results["metric"])) if metrics is None else metrics
    cells = {(m, k): own["value"].to_numpy() for (m, k), own in results.groupby(["method", "metric"], sort=False)}
    rows = [
        [method, *(describe_sample(cells[method, name], name) if (method, name) in cells else "" for name in names)]
        for method in methods
    ]
    return pd.DataFrame(rows, columns=["method", *map(metric_names.describe_metric, names)])


def describe_sample(values: Sequence[float], metric: str = "") -> str:
    """``0.412 [0.390, 0.431]``: the mean with its interval; below `statistics.MIN_SEEDS` the mean and the values."""
    bounds = (-np.inf, np.inf) if metric.partition(".")[0] in metric_names.UNBOUNDED else (0.0, 1.0)
    text = str(statistics.mean(values, bounds=bounds))
    if 1 < len(values) < statistics.MIN_SEEDS:
        return f"{text} ({', '.join(f'{value:.3f}' for value in values)})"
    return text


def _compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    if ours.empty:
        return ""
    text = str(statistics.probability_of_improvement(ours["value"], theirs["value"]))
    by_run = [frame.set_index(frame["run"].str.partition(": ")[0])["value"] for frame in (ours, theirs)]
    first, second = by_run
    if len(first) > 1 and first.index.is_unique and set(first.index) == set(second.index) and len(first) == len(second):
        text += f", paired p = {statistics.paired_p_value(first, second.loc[first.index]):.2f}"
    return text


def format_markdown(table: pd.DataFrame) -> str:
    """A table in Markdown: the first column as text, numbers aligned right."""
    rule = ["---", *["---" if name == "note" else "---:" for name in table.columns[1:]]]
    rows = [list(table.columns), rule, *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def format_summary(tables: Mapping[tuple[str, str, str], pd.DataFrame]) -> str:
    """The tables of `summarize` in Markdown, each under a heading."""
    blocks = [
        f"### {metric_names.describe_metric(metric)} ({dataset}, {representation})\n\n{format_markdown(table)}"
        for (dataset, representation, metric), table in tables.items()
    ]
    return "\n\n".join(blocks) + "\n"
