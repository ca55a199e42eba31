"""Reads scores and the conditions they were measured under, from whoever wrote them.

From rdl's runs, from disentanglement_lib's result trees, and from its aggregated JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rdl.config import gin_text
from rdl.errors import UserError
from rdl.results import comparability, result_tree
from rdl.runs import Layout, RunReader, files, folders
from rdl.scoring.measure import MEASURED_WITH

_STRENGTHS = (
    "vae.beta", "factor_vae.gamma", "dip_vae.lambda_od", "beta_tc_vae.beta", "annealed_vae.c_max",
)  # fmt: skip
_OBJECTIVES = {"vae": "beta_vae", "dip_vae": "dip_vae"}
# What a metric's value depends on, and what disentanglement_lib sets where a file does not say.
_BINS = {"discretizer.num_bins": "20", "discretizer.discretizer_fn": "@histogram_discretizer"}
_CONDITIONS: dict[str, dict[str, str]] = {
    "mig": {"mig.num_train": "10000", **_BINS},
    "dci": {"dci.num_train": "10000", "dci.num_test": "5000", "dci.backend": "'sklearn'"},
    "sap_score": {
        "sap_score.num_train": "10000",
        "sap_score.num_test": "5000",
        "sap_score.continuous_factors": "False",
    },
    "modularity_explicitness": {
        "modularity_explicitness.num_train": "10000",
        "modularity_explicitness.num_test": "5000",
        **_BINS,
    },
    "irs": {"irs.num_train": "10000", **_BINS},
    "beta_vae_sklearn": {"beta_vae_sklearn.num_train": "10000", "beta_vae_sklearn.batch_size": "64"},
    "factor_vae_metric": {
        "factor_vae_score.num_train": "10000",
        "factor_vae_score.batch_size": "64",
        "prune_dims.threshold": "0.05",
    },
    "infomec": {"infomec.num_train": "10000", "infomec.neighbours": "10"},
    "dci_es": {"dci_es.num_train": "10000", "dci_es.num_test": "5000", "dci_es.trees": "100"},
    "unsupervised": {"unsupervised_metrics.num_train": "10000", **_BINS},
    "downstream_task_boosted_trees": {
        "predictor.predictor_fn": "@gradient_boosting_classifier",
        "gradient_boosting_classifier.backend": "'sklearn'",
    },
    "downstream_task_logistic_regression": {"predictor.predictor_fn": "@logistic_regression_cv"},
}
Conditions = tuple[tuple[str, str], ...]
_SUMMARY = {"discrete_mig": "mig", "disentanglement": "dci", "completeness": "dci", "informativeness_test": "dci"}


@dataclass(frozen=True)
class Result:
    """One number of one model.

    Attributes:
      method: name and strength.
      dataset: name and, where it is a part of the data set, its options.
      representation: ``mean`` or ``sampled``.
      metric: such as ``dci``.
      key: such as ``completeness``.
      value: the number.
      conditions: what else the number depends on, settings in gin's text.
      trained: what decided the training of the model, its seed apart.
    """

    method: str
    dataset: str
    representation: str
    metric: str
    key: str
    value: float
    conditions: Conditions
    trained: comparability.Trained = ()

    @property
    def column(self) -> tuple[str, str, str, str]:
        """What it may be compared within."""
        return self.dataset, self.representation, self.metric, self.key


def read(paths: Iterable[str | Path]) -> list[Result]:
    """All results in folders (runs, or result trees at any depth) and aggregated JSON files.

    Where models of one method on one data set differ in more than their seeds, ``method`` says in what. A run that
    was measured by some metrics keeps its summary's numbers of the others.

    Raises:
      UserError: nothing there, or a damaged file.
    """
    results: list[Result] = []
    for path in map(Path, paths):
        if path.is_file():
            found = [result for row in _rows(path) for result in _of_aggregate(row)]
        elif path.is_dir():
            found = _of_folder(path)
        else:
            raise UserError(f"{path} does not exist: give runs, folders of them, or JSON files.")
        if not found:
            advice = "expected aggregated JSON" if path.is_file() else f"measure the run by bin/evaluate --run={path}"
            raise UserError(f"{path} holds no results: {advice}.")
        results += found
    return _told_apart(results)


def from_run(run: Layout) -> list[Result]:
    """A finished run's own numbers, as `read` has them but for what tells runs apart; none where nothing was measured.

    Raises:
      UserError: a damaged file.
    """
    measurements = [folder for name in ("mean", "sampled") for folder in run.metrics(name).values()]
    trees = [result_tree.aggregate_path(folder, "evaluation") for folder in measurements]
    found = [result for tree in trees if tree.is_file() for result in _of_aggregate(result_tree.read_object(tree))]
    measured = {result.metric for result in found if result.representation == "mean"}
    return found + [result for result in _of_summary(run) if result.metric not in measured]


def _of_folder(path: Path) -> list[Result]:
    """Of the result trees at any depth, and of the summaries of runs here or one folder below."""
    found: list[Result] = []
    measured: dict[Path, set[str]] = {}
    for tree, run in result_tree.aggregates(path).items():
        results = _of_aggregate(result_tree.read_object(tree), _trained(run))
        measured.setdefault(run.root, set()).update(
            result.metric for result in results if result.representation == "mean"
        )
        found += results
    for paths in folders.finished_in(path):
        found += [result for result in _of_summary(paths) if result.metric not in measured.get(paths.root, ())]
    return found


def _trained(run: Layout) -> comparability.Trained:
    """What a run was asked to train; nothing where the folder is no run of rdl."""
    return comparability.from_run(_config(run))


def _config(run: Layout) -> gin_text.Bindings:
    return gin_text.parse_gin_text(RunReader(run).config)


def _told_apart(results: list[Result]) -> list[Result]:
    """The same results; where those of a method on a data set are of several kinds, the method says which."""
    kinds: dict[tuple[str, str], dict[comparability.Trained, str]] = {}
    for result in results:
        kinds.setdefault((result.dataset, result.method), {})[result.trained] = ""
    for found in kinds.values():
        found.update(zip(found, comparability.labels(list(found)), strict=True))
    labels = [kinds[result.dataset, result.method][result.trained] for result in results]
    return [
        replace(result, method=f"{result.method} ({label})") if label else result
        for result, label in zip(results, labels, strict=True)
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an aggregated JSON: pandas' {column: {row: value}}, a list of rows, or a single one."""
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
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def _of_aggregate(row: Mapping[str, Any], trained: comparability.Trained = ()) -> list[Result]:
    """The numbers of one evaluation; where ``trained`` is not known from the run itself, the row tells it."""
    settings = {
        key.split(".", 1)[1]: str(value)
        for step in ("train_config", "postprocess_config", "evaluation_config")
        for key, value in row.items()
        if key.startswith(f"{step}.")
    }
    metric = _plain(settings.get("evaluation.name", "")) or _plain(settings.get("evaluation.evaluation_fn", ""))
    representation = _plain(settings.get("postprocess.name", "")) or _plain(
        settings.get("postprocess.postprocess_fn", "mean")
    ).removesuffix("_representation")
    conditions = tuple((key, settings.get(key, usual)) for key, usual in _CONDITIONS.get(metric, {}).items())
    head = "train_config."
    told = {key.removeprefix(head): str(value) for key, value in row.items() if key.startswith(head)}
    model = _method(settings), _dataset(settings), representation, metric
    trained = trained or comparability.of_row(told)
    return [
        Result(*model, name, number, conditions, trained)
        for key, value in row.items()
        if (name := key.removeprefix("evaluation_results.")) != key
        and name not in ("elapsed_time", "num_seeds")
        and (number := result_tree.number(value)) is not None
    ]


def _of_summary(run: Layout) -> list[Result]:
    """The final model's numbers in a run's summary, which the run measured at its end."""
    summary, config = result_tree.read_object(run.summary), _config(run)
    single = config.get("population.size") == "1"
    name = _plain(config.get("model.objective", "")) if single else str(summary.get("experiment", "run"))
    settings = {**config, "model.name": _OBJECTIVES.get(name, name)}
    if single:
        searched = {f"{name}.{key.removeprefix('final.')}": repr(value) for key, value in summary.items()}
        settings |= {key: value for key, value in searched.items() if key in _STRENGTHS}
    return [
        Result(
            _method(settings, single), _dataset(settings), "mean", metric, key, number,
            measured_under(metric, config, summary), comparability.from_run(config),
        )
        for key, metric in _SUMMARY.items()
        if (number := result_tree.number(summary.get(f"final.{key}"))) is not None
    ]  # fmt: skip


def measured_under(metric: str, config: Mapping[str, str], recorded: Mapping[str, Any]) -> Conditions:
    """The conditions of ``mig`` or ``dci`` as a run measures it at its end.

    Args:
      metric: one of the two.
      config: the run's bindings.
      recorded: the measurement's record or the run's summary, which say what was used. Runs of before they did so
        have it in their bindings, or else used what was the default then.
    """

    def used(key: str, binding: str, default: str) -> str:
        if MEASURED_WITH + key in recorded:
            return repr(recorded[MEASURED_WITH + key])
        return config.get(binding, default)

    points = used("num_train", "Measurement.num_train", "10000").replace("_", "")
    given = {
        "mig.num_train": points,
        "dci.num_train": points,
        "dci.num_test": used("num_test", "Measurement.num_test", "5000").replace("_", ""),
        "dci.backend": used("dci_backend", "measure.dci_backend", "'sklearn'").replace('"', "'"),
        "discretizer.num_bins": used("num_bins", "measure.num_bins", "20"),
    }
    return tuple((name, given.get(name, usual)) for name, usual in _CONDITIONS[metric].items())


def _method(settings: Mapping[str, str], single: bool = True) -> str:
    name = _plain(settings.get("model.name", "")) or _plain(settings.get("model.model", "model"))
    factory = "dip_vae" if name.startswith("dip_vae") else {"beta_vae": "vae"}.get(name, name)
    if name == "dip_vae":
        name += f"_{_plain(settings.get('dip_vae.dip_type', 'i'))}"
    strength = next((key for key in _STRENGTHS if key in settings and key.split(".")[0] == factory), None)
    if strength is None or not single:
        return name
    value = _plain(settings[strength])
    return f"{name}, {strength.split('.')[1]} {float(value):g}" if _is_number(value) else f"{name}, {value}"


def _dataset(settings: Mapping[str, str]) -> str:
    name = _plain(settings.get("dataset.name", ""))
    options = {key: value for key, value in settings.items() if key.startswith("dataset.") and key != "dataset.name"}
    parts = [f"{key.split('.')[1]} {value}" for key, value in sorted(options.items())]
    return f"{name} ({'; '.join(parts)})" if parts else name


def _plain(value: str) -> str:
    return str(value).strip("'\"@()")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
