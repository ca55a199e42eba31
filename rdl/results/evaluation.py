"""Measures a finished run by disentanglement_lib's metrics and writes that library's tree of results.

The seeds are those of its script for reproducing a study: one generator seeded by 0 gives a seed to each
representation, then one to each metric on the means, then one to each on the samples, names in alphabetical order.
"""

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gin
import numpy as np

from rdl import shipped
from rdl.config import Bindings, configured, parse_gin_text
from rdl.errors import UserError
from rdl.results import result_tree
from rdl.results.expected_time import seconds
from rdl.results.finished_run import FinishedRun
from rdl.results.representations import REPRESENTATIONS, Function, Representations
from rdl.seeds import derive
from rdl.time_left import TimeLeft, format_duration
from third_party.disentanglement_lib.evaluation import evaluate as metric

_FILES = shipped.GIN_CONFIGS / "metrics"
_PRESETS = _FILES / "presets"
_PRESET = "evaluation.preset"  # where a result's settings name it
METRICS = (
    "beta_vae_sklearn", "dci", "downstream_task_boosted_trees", "downstream_task_logistic_regression",
    "factor_vae_metric", "irs", "mig", "modularity_explicitness", "sap_score", "unsupervised",
)  # fmt: skip

# Of a single factor the trees' importances of every latent, the votes and the classes are all that factor's.
_COMPARE_FACTORS = ("disentanglement", "modularity_score", "mig_sup", "train_accuracy", "eval_accuracy")


class _CannotCompute(UserError):
    """A metric is not defined on such a representation or data set; others may be."""


def seeds() -> dict[tuple[str, str], int]:
    """The seed of every (representation, step), the steps being ``postprocess`` and the metrics."""
    random = np.random.RandomState(0)
    order = [(name, "postprocess") for name in REPRESENTATIONS]
    order += [(name, metric) for name in REPRESENTATIONS for metric in METRICS]
    return {place: int(random.randint(2**32, dtype=np.int64)) for place in order}


def evaluation(data: Any, function: Function) -> dict[str, Any]:
    """A metric's results as gin asks for them (``evaluation.evaluation_fn``, ``.random_seed``, ``.repeats``).

    Args:
      data: ground-truth data.
      function: observations -> [n, latents].

    Raises:
      UserError: the metric cannot be computed on such data.
    """
    try:
        return metric.evaluate(data, function)
    except (UserError, ValueError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "Required bindings" not in str(error):  # gin's: a gin file lacks some
            raise
        name = gin.query_parameter("evaluation.name")
        raise _CannotCompute(f"The metric '{name}' cannot be computed: {str(error).splitlines()[0]}.") from error


def evaluate(
    root: str | Path,
    metrics: Sequence[str] = METRICS,
    representations: Sequence[str] = REPRESENTATIONS,
    repeats: int = 1,
    bindings: Sequence[str] = (),
    overwrite: bool = False,
    note: Callable[[str], None] = lambda line: None,
    preset: str = "",
) -> list[Path]:
    """Measures what is not measured yet; returns the aggregates of all the metrics asked for.

    Args:
      root: a finished run.
      metrics: names of files in ``gin_configs/metrics``, or paths of gin files, then named as the files.
      representations: of ``mean`` and ``sampled``.
      repeats: evaluation seeds per metric.
      bindings: gin's, on top of the metrics' files.
      overwrite: measure again what is measured.
      note: is told what begins, how long it may take, and what is done.
      preset: name of a file in ``gin_configs/metrics/presets``, read between a metric's file and the bindings. What was
        measured with a preset is measured again without it, and is kept beside what was measured without one.

    Raises:
      UserError: no finished run, a data set without factors, an unknown metric or a wrong binding; at the end, metrics
        that could not be computed.
    """
    if repeats < 1:
        raise UserError(f"Expected at least 1 repeat, got {repeats}: set --repeats.")
    run, metric_files = FinishedRun.open(root), [metric_file(name) for name in metrics]
    if unknown := [name for name in representations if name not in REPRESENTATIONS]:
        raise UserError(f"Expected representations of mean and sampled, got {unknown[0]!r}.")
    on_top = _preset(preset)
    work = [
        _Work(run.paths.metric(name, file.stem), name, [str(file), *on_top], bindings, repeats)
        for name in representations
        for file in metric_files
    ]
    to_do = [piece for piece in work if overwrite or not piece.is_done(preset)]
    failed: list[str] = []
    if to_do:
        prepared = _prepare(run)
        size = run.images.factors_num_values, run.model.num_latents
        costs = [seconds(piece.asked(), *size) for piece in to_do]
        time_left = TimeLeft(rate=1.0)
    for number, piece in enumerate(work, 1):
        title = f"[{number}/{len(work)}] {piece.representation} {piece.metric}"
        if piece not in to_do:
            note(f"{title}: already there")
            continue
        this, left = (format_duration(time_left.seconds(cost) or 0.0) for cost in (costs[0], sum(costs)))
        note(f"{title}: about {this}, all that is left {left}")
        try:
            results = piece.measure(run, prepared, preset)
            note(f"{title}: {_brief(results)} ({results['elapsed_time']:.1f} s)")
        except _CannotCompute as error:
            note(f"{title}: {str(error).splitlines()[0]}")
            failed.append(f"{piece.representation} {piece.metric}")
        time_left.advance(costs.pop(0))
    if failed:
        raise UserError(
            f"{len(failed)} of {len(work)} could not be measured: {', '.join(failed)}; the others are done."
        )
    return [result_tree.aggregate_path(piece.folder, "evaluation") for piece in work]


@dataclass(frozen=True)
class _Work:
    """One metric on one representation.

    Attributes:
      folder: of its results.
      representation: ``mean`` or ``sampled``.
      files: gin's, the metric's own first.
      bindings: on top of the files.
      repeats: evaluation seeds.
    """

    folder: Path
    representation: str
    files: Sequence[str]
    bindings: Sequence[str]
    repeats: int

    @property
    def metric(self) -> str:
        """Its name."""
        return self.folder.name

    def is_done(self, preset: str) -> bool:
        """Whether it is measured, with this preset or with none: what was measured exactly stands for both."""
        path = result_tree.aggregate_path(self.folder, "evaluation")
        return path.is_file() and result_tree.read_object(path).get(f"evaluation_config.{_PRESET}", "''") in (
            "''",
            repr(preset),
        )

    def asked(self) -> Bindings:
        """gin's text of what it is asked to do; gin holds nothing afterwards."""
        with configured(self.files, [*self._own(), *self.bindings]):
            return parse_gin_text(gin.config_str(max_line_length=10_000))

    def measure(self, run: FinishedRun, prepared: Representations, preset: str) -> dict[str, Any]:
        """Writes its part of the result tree; returns the results."""
        _postprocess(run, self.representation, seeds())
        started = time.perf_counter()
        function = prepared.function(self.representation, seeds()[self.representation, "postprocess"])
        with configured(self.files, [*self._own(), *self.bindings]):
            results = dict(evaluation(prepared.data, function))
            used = parse_gin_text(gin.operative_config_str(max_line_length=10_000))
        if sum(size > 1 for size in prepared.data.factors_num_values) == 1:
            results = _of_one_factor(results)
        settings = {**run.dataset, **{key: value for key, value in used.items() if not key.startswith("dataset.")}}
        results["elapsed_time"] = time.perf_counter() - started
        before = run.paths.postprocessed(self.representation)
        if preset:
            settings[_PRESET] = repr(preset)
        result_tree.write_step(self.folder, "evaluation", settings, results, before)
        return results

    def _own(self) -> list[str]:
        place = self.representation, self.metric
        seed = seeds().get(place, derive(0, *place))
        name = f"evaluation.name = '{self.metric}'"
        return [f"evaluation.random_seed = {seed}", name, f"evaluation.repeats = {self.repeats}"]


def _prepare(run: FinishedRun) -> Representations:
    if run.images.factor_space is None:
        raise UserError(
            f"The factors of '{run.images.name}' are not known, so no metric of bin/evaluate can be computed."
        )
    run.write_training_results()
    return Representations(run.model, run.images)


def _postprocess(run: FinishedRun, name: str, all_seeds: dict[tuple[str, str], int]) -> None:
    """The step between training and evaluation: which representation it is."""
    folder = run.paths.postprocessed(name)
    if result_tree.is_complete(folder, "postprocess"):
        return
    settings = {
        **run.dataset,
        "postprocess.name": f"'{name}'",
        "postprocess.postprocess_fn": f"@{name}_representation",
        "postprocess.random_seed": str(all_seeds[name, "postprocess"]),
    }
    result_tree.write_step(folder, "postprocess", settings, {"elapsed_time": 0.0}, run.paths.model)


def metric_file(name: str) -> Path:
    """The gin file of a metric, by its name or as it is.

    Raises:
      UserError: there is none.
    """
    path = Path(name) if name.endswith(".gin") else _FILES / f"{name}.gin"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in _FILES.glob("*.gin")))
        raise UserError(f"No metric is called {name!r}: expected one of {known}, or a gin file.")
    return path


def _preset(name: str) -> list[str]:
    """The gin files of a preset, none for none.

    Raises:
      UserError: no such preset, or the package of its trees is not installed.
    """
    if not name:
        return []
    path = _PRESETS / f"{name}.gin"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in _PRESETS.glob("*.gin")))
        raise UserError(f"No preset is called {name!r}: expected {there}.")
    if "lightgbm" in path.read_text() and importlib.util.find_spec("lightgbm") is None:
        raise UserError(f"The preset '{name}' needs LightGBM: pip install lightgbm, or measure without --preset.")
    return [str(path)]


def _is_score(key: str, value: Any) -> bool:
    return isinstance(value, float) and key != "elapsed_time"


def _of_one_factor(results: dict[str, Any]) -> dict[str, Any]:
    """Without the scores that compare factors, which are 1 by construction where there is one; with a word on them."""
    gone = [key for key in results if key.split(".")[0].removesuffix("_stderr") in _COMPARE_FACTORS]
    kept = {key: value for key, value in results.items() if key not in gone}
    return {**kept, "undefined": f"{', '.join(gone)}: not defined for one factor"} if gone else kept


def _brief(results: dict[str, Any]) -> str:
    """The first few numbers, and what is not defined."""
    numbers = [f"{key} {value:.3f}" for key, value in results.items() if _is_score(key, value)][:4]
    return ", ".join([*numbers, *([results["undefined"]] if "undefined" in results else [])]) or "done"
