"""The scores on the true factors: the runs of the page beside their x-models, random members and other results."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import pandas as pd
from markupsafe import Markup

from rdl.report import figures
from rdl.report.figure_writer import FigureWriter
from rdl.report.model_analysis import TREE_POINTS, ModelAnalysis
from rdl.report.rendering import render
from rdl.report.run_records import RunRecords
from rdl.results.conditions import END_OF_RUN, EVALUATE, run_conditions
from rdl.results.dot_plot import draw_dots
from rdl.results.method_names import name_dataset
from rdl.results.metric_names import SUMMARY_METRICS, describe_metric
from rdl.results.results_table import COLUMNS, read_run_results
from rdl.results.summary import select_comparable, select_results, summarize, summarize_metrics
from rdl.results.training_settings import label_differences, select_training_settings

_MODELS = {"final": "final model", "x_model": "x-model"}
_RANDOM = "random hyperparameters"
_PLOTTED = ["mig.discrete_mig", "dci.disentanglement"]


def render_scores(
    runs: Sequence[RunRecords], others: pd.DataFrame | None, analysis: ModelAnalysis | None, writer: FigureWriter
) -> Markup:
    """The section about scores.

    Args:
      runs: the runs of the page; none for a study.
      others: further results, as `rdl.results.results_table.read_results` returns them.
      analysis: of the only run's model.
      writer: of the figures.
    """
    results = collect_results(runs, others)
    members = [member for records in runs for member in records.random_members]
    values: dict[str, Any] = {"runs": runs, "tables": [], "notes": [], "dots": [], "random_note": "", "label_note": ""}
    values["finished"] = any(records.summary is not None for records in runs)
    values["heatmaps"] = _draw_heatmaps(analysis, writer) if analysis is not None and analysis.factors else []
    if not results.empty:
        chosen = select_comparable(select_results(results))
        comparable = chosen[chosen["note"] == ""]
        values["tables"] = _list_tables(comparable) if runs else _list_summaries(chosen)
        values["notes"] = _describe_notes(chosen)
        values["dots"] = _draw_dots(comparable, bool(runs), writer)
    if members:
        failed = sum(member.score is None for member in members)
        failures = f" ({failed} of {len(members)} diverged in training and are left out)" if failed else ""
        values["random_note"] = (
            "Random hyperparameters: the first members of the x-run, trained on as many images as the final model "
            f"without a search{failures}."
        )
    if runs and all(records.leaves for records in runs):
        values["label_note"] = "The true factors were used for these numbers only."
    return render("scores.html", **values)


def collect_results(runs: Sequence[RunRecords], others: pd.DataFrame | None = None) -> pd.DataFrame:
    """One table of the runs' results and of others.

    The methods of the runs are their models; runs that differ in more than their seeds are labelled with the settings
    that differ.
    """
    settings = [select_training_settings(records.reader.config.texts()) for records in runs]
    kinds = list(dict.fromkeys(settings))
    labels = dict(zip(kinds, label_differences(kinds), strict=True))
    parts = [_read_own_results(records, labels[kind]) for records, kind in zip(runs, settings, strict=True)]
    parts = [part for part in [*parts, others] if part is not None and not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _read_own_results(records: RunRecords, label: str) -> pd.DataFrame:
    suffix = f" ({label})" if label else ""
    config = records.reader.used.texts()
    models = [(f"{title}{suffix}", "", records.measured.get(key, {})) for key, title in _MODELS.items()]
    models += [
        (f"{_RANDOM}{suffix}", member.name, member.details["measured"][0])
        for member in records.random_members
        if member.details.get("measured")
    ]
    seed = config.get("experiment.seed", "0")
    rows = [
        {
            "run": f"{records.root}: {method} {name}".strip(),
            "method": method,
            "seed": int(seed) if seed.isdecimal() and len(seed) < 19 else None,
            "dataset": name_dataset(config),
            "representation": "mean",
            "metric": f"{metric}.{key}",
            "value": float(measured[key]),
            "measured_by": END_OF_RUN,
            "conditions": run_conditions(metric, config, measured),
        }
        for method, name, measured in models
        for key, metric in SUMMARY_METRICS.items()
        if isinstance(measured.get(key), (int, float))
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seed": "Int64", "value": "float64"})
    if records.summary is None:
        return frame
    method = f"{_MODELS['final']}{suffix}"
    evaluated = read_run_results(records.reader.paths, method)
    evaluated = evaluated[evaluated["measured_by"] == EVALUATE].assign(
        run=f"{records.root}: {_MODELS['final']}{suffix}"
    )
    return pd.concat([part for part in (frame, evaluated) if not part.empty] or [frame], ignore_index=True)


def _list_tables(results: pd.DataFrame) -> list[tuple[str, list[str], list[list[str]]]]:
    """A table of all metrics for each data set: heading, head and rows."""
    datasets = list(results.groupby("dataset", sort=False))
    tables = []
    for dataset, own in datasets:
        counts = own.groupby("method")["run"].nunique()
        table = summarize_metrics(own)
        names = [f"{name} (n\u00a0=\u00a0{counts[name]})" if counts[name] > 1 else name for name in table["method"]]
        rows = table.assign(method=names).to_numpy().tolist()
        tables.append((str(dataset) if len(datasets) > 1 else "", ["model", *table.columns[1:]], rows))
    return tables


def _list_summaries(results: pd.DataFrame) -> list[tuple[str, list[str], list[list[str]]]]:
    """A table for each data set and metric: heading, head and rows."""
    return [
        (f"{describe_metric(metric)} ({dataset})", list(table.columns), table.to_numpy().tolist())
        for (dataset, _, metric), table in summarize(results).items()
    ]


def _describe_notes(results: pd.DataFrame) -> list[str]:
    """A line for each way in which results were measured differently."""
    noted = results[results["note"] != ""]
    return [
        f"Not comparable, because measured differently: {'; '.join(dict.fromkeys(own['method']))} ({note})."
        for note, own in noted.groupby("note", sort=False)
    ]


def _draw_dots(results: pd.DataFrame, own: bool, writer: FigureWriter) -> list[Markup]:
    drawings = []
    for metric in _PLOTTED:
        shown = results[results["metric"] == metric]
        methods = list(dict.fromkeys(shown["method"]))
        if len(methods) > 1:
            with matplotlib.rc_context(figures.STYLE):
                figure = draw_dots(shown, methods[:1] if own else ())
            alt = f"{describe_metric(metric)} of every model"
            drawings.append(writer.write_figure(metric, figure, alt, "Dots are models, bars are means."))
    return drawings


def _draw_heatmaps(analysis: ModelAnalysis, writer: FigureWriter) -> list[Markup]:
    order = [latent.number for latent in analysis.latents]
    rows = [f"z{number}" for number in order]

    def draw(values, label: str):
        return figures.draw_heatmap(values[order], rows, analysis.factors, label, "latent, by KL", "factor")

    return [
        writer.write_figure(
            "mutual_information",
            draw(analysis.information, "I(z; v) / H(v)"),
            "mutual information between latents and factors",
            "Mutual information over the entropy of the factor; 1 means that the latent determines the factor. A "
            "disentangled model has one bright cell in each row and each column.",
        ),
        writer.write_figure(
            "dci_importances",
            draw(analysis.importances, "importance"),
            "importances of the latents for predicting the factors",
            "Importance of each latent for boosted trees that predict the factor (columns sum to 1). The trees are "
            f"trained on {TREE_POINTS:,} images, fewer than those of the DCI in the table.",
        ),
    ]
