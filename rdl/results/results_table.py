"""The table of results: one row per score of one model.

Reads runs of rdl, result trees of disentanglement_lib and its aggregated JSON into one pandas DataFrame with the
columns `COLUMNS`. All tables and plots of rdl render it (`rdl.results.summary`, `rdl.results.dot_plot`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rdl.errors import UserError
from rdl.results import conditions, result_tree
from rdl.results.method_names import name_dataset, name_method, name_run, strip_gin_quotes
from rdl.results.metric_names import SUMMARY_METRICS
from rdl.results.training_settings import TrainingSettings, label_differences, select_training_settings
from rdl.runs import Layout, RunReader, files, folders

COLUMNS = ("run", "method", "seed", "dataset", "representation", "metric", "value", "measured_by", "conditions")
"""Columns of a table of results.

run: the model's run directory, or its place in an aggregated JSON; ``runs/a: x-model`` for a model that is not the
  run's final one.
method: name of the method with its strength, and the model as in ``run``: ``rpu_vae: x-model``.
seed: of the run; missing where it is unknown.
dataset: name and options of the data set.
representation: ``mean`` or ``sampled``.
metric: ``<metric>.<key>``, such as ``dci.completeness``.
value: the number.
measured_by, conditions: as in `rdl.results.conditions`.
"""
_MODELS = {"final.": "", "x_model.": ": x-model", "first_generation.median_": ": median of random members"}
"""Prefix of a summary's key -> suffix of the method; a recursion measures more models than its final one."""
_SETTINGS = "settings"  # column of the TrainingSettings, by which methods are distinguished
_NOT_SCORES = ("elapsed_time", "num_seeds")

Row = dict[str, Any]


def read_results(paths: Iterable[str | Path]) -> pd.DataFrame:
    """All results in folders (runs, or result trees at any depth) and in aggregated JSON files.

    Where the models of one method on one data set differ in more than their seeds, ``method`` names the settings that
    differ.

    Returns:
      A DataFrame with the columns `COLUMNS`.

    Raises:
      UserError: no results, or a damaged file.
    """
    rows: list[Row] = []
    for path in map(Path, paths):
        if path.is_file():
            found = [row for place, record in _read_rows(path) for row in _read_aggregate(record, f"{path}/{place}")]
        elif path.is_dir():
            found = _read_folder(path)
        else:
            raise UserError(f"{path} does not exist: give runs, folders of runs, or JSON files.")
        if not found:
            advice = "expected aggregated JSON" if path.is_file() else f"measure the run with bin/evaluate --run={path}"
            raise UserError(f"{path} holds no results: {advice}.")
        rows += found
    return _distinguish_methods(_to_frame(rows))


def read_run_results(run: Layout, method: str | None = None) -> pd.DataFrame:
    """The results of one finished run; empty where nothing was measured.

    Args:
      run: the run directory.
      method: what to call the method instead of the run's own name.

    Raises:
      UserError: a damaged file.
    """
    folders_of_metrics = [folder for name in ("mean", "sampled") for folder in run.metrics(name).values()]
    trees = [result_tree.aggregate_path(folder, "evaluation") for folder in folders_of_metrics]
    rows = [row for tree in trees if tree.is_file() for row in _read_tree(tree, run)]
    if run.summary.is_file():
        rows += _read_summary(run)
    results = _to_frame(rows).drop(columns=_SETTINGS)
    if method is not None:
        results["method"] = method + results["run"].str.removeprefix(str(run.root))
    return results


def _to_frame(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[*COLUMNS, _SETTINGS])
    return frame.astype({"seed": "Int64", "value": "float64"})


def _distinguish_methods(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without `_SETTINGS`; a method on a data set that has several settings is labelled with them."""
    kinds: dict[tuple[str, str], dict[TrainingSettings, str]] = {}
    keys = list(zip(frame["dataset"], frame["method"], frame[_SETTINGS], strict=True))
    for dataset, method, settings in keys:
        kinds.setdefault((dataset, method), {})[settings] = ""
    for found in kinds.values():
        found.update(zip(found, label_differences(list(found)), strict=True))
    labels = [kinds[dataset, method][settings] for dataset, method, settings in keys]
    methods = [f"{method} ({label})" if label else method for (_, method, _), label in zip(keys, labels, strict=True)]
    return frame.assign(method=methods).drop(columns=_SETTINGS)


def _read_folder(path: Path) -> list[Row]:
    """Results of the result trees at any depth, and of the summaries of runs here or one folder below."""
    rows = [row for tree, run in result_tree.find_aggregates(path).items() for row in _read_tree(tree, run)]
    return rows + [row for run in folders.find_finished_runs(path) for row in _read_summary(run)]


def _read_tree(tree: Path, run: Layout) -> list[Row]:
    return _read_aggregate(
        result_tree.read_object(tree), str(run.root), select_training_settings(RunReader(run).config.texts())
    )


def _read_rows(path: Path) -> list[tuple[str, Row]]:
    """Rows of an aggregated JSON with their models: pandas' {column: {row: value}}, a list of rows, or a single row."""
    try:
        content = files.parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path} ({' '.join(str(error).split())}): expected aggregated JSON.") from error
    if isinstance(content, list):
        rows = content
    elif isinstance(content, dict) and content and all(isinstance(column, dict) for column in content.values()):
        names = dict.fromkeys(row for column in content.values() for row in column)
        rows = [{key: column.get(row) for key, column in content.items()} for row in names]
    else:
        rows = [content]
    if not all(isinstance(row, dict) for row in rows):
        raise UserError(f"Cannot read {path}: expected {{column: {{row: value}}}}, as disentanglement_lib aggregates.")
    return [
        (str(row.get("path") or number).split("/metrics/")[0], {k: v for k, v in row.items() if v is not None})
        for number, row in enumerate(rows)
    ]


def _read_aggregate(record: Mapping[str, Any], place: str, training: TrainingSettings = ()) -> list[Row]:
    """The numbers of one evaluation; ``training`` is read from the record where the run itself does not state it."""
    steps: dict[str, dict[str, str]] = {"train": {}, "postprocess": {}, "evaluation": {}}
    for key, value in record.items():
        file, _, name = key.partition(".")
        if (step := file.removesuffix("_config")) != file and step in steps:
            steps[step][name] = str(value)
    settings = steps["train"] | steps["postprocess"] | steps["evaluation"]
    metric = strip_gin_quotes(settings.get("evaluation.name", "")) or strip_gin_quotes(
        settings.get("evaluation.evaluation_fn", "")
    )
    representation = strip_gin_quotes(settings.get("postprocess.name", "")) or strip_gin_quotes(
        settings.get("postprocess.postprocess_fn", "mean")
    ).removesuffix("_representation")
    seed = settings.get("model.random_seed", "")
    common = {
        "run": place,
        "method": name_method(settings),
        "seed": int(seed) if seed.isdecimal() and len(seed) < 19 else None,
        "dataset": name_dataset(settings),
        "representation": representation,
        "measured_by": conditions.EVALUATE,
        "conditions": conditions.evaluation_conditions(metric, settings),
        _SETTINGS: training or select_training_settings(steps["train"]),
    }
    return [
        {**common, "metric": f"{metric}.{name}", "value": number}
        for key, value in record.items()
        if (name := key.removeprefix("evaluation_results.")) != key
        and name not in _NOT_SCORES
        and (number := result_tree.parse_metric_number(value)) is not None
    ]


def _read_summary(run: Layout) -> list[Row]:
    """The numbers that a run measured at its end."""
    summary, config = result_tree.read_object(run.summary), RunReader(run).config.texts()
    name = name_run(config) or str(summary.get("experiment", "run"))
    final = {key.removeprefix("final."): repr(value) for key, value in summary.items() if key.startswith("final.")}
    objective = strip_gin_quotes(config.get("model.objective", ""))
    searched = {f"{objective}.{key}": value for key, value in final.items()}
    method = name_method({**config, **searched, "model.name": name})
    seed = summary.get("seed")
    return [
        {
            "run": f"{run.root}{suffix}",
            "method": f"{method}{suffix}",
            "seed": seed if isinstance(seed, int) and 0 <= seed < 2**63 else None,
            "dataset": name_dataset(config),
            "representation": "mean",
            "metric": f"{metric}.{key}",
            "value": number,
            "measured_by": conditions.END_OF_RUN,
            "conditions": conditions.run_conditions(metric, config, summary),
            _SETTINGS: select_training_settings(config),
        }
        for prefix, suffix in _MODELS.items()
        for key, metric in SUMMARY_METRICS.items()
        if (number := result_tree.parse_metric_number(summary.get(f"{prefix}{key}"))) is not None
    ]
