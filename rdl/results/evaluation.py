"""Measures finished runs by disentanglement_lib's metrics and writes that library's result tree.

Seeds are those of its script for reproducing a study: one generator seeded with 0 gives a seed to each representation,
then one to each metric on the means, then one to each on the samples, names in alphabetical order.
"""

import importlib.util
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gin
import numpy as np

from rdl import shipped
from rdl.config import RunConfig, configured
from rdl.errors import UserError
from rdl.metrics.cost import estimate_metric_seconds
from rdl.metrics.undefined import leave_out_undefined
from rdl.results import result_tree
from rdl.results.finished_run import FinishedRun
from rdl.results.representations import REPRESENTATIONS, Function, Representations
from rdl.seeds import derive
from rdl.time_left import TimeLeft, format_duration
from third_party.disentanglement_lib.evaluation import evaluate as metric
from third_party.disentanglement_lib.evaluation.metrics.threads import report_progress

METRIC_FILES = shipped.GIN_CONFIGS / "metrics"
_PRESETS = METRIC_FILES / "presets"
_LONG = 30  # seconds; longer metrics report their progress
_PRESET = "evaluation.preset"  # its key in the settings of a result
METRICS = (
    "beta_vae_sklearn", "dci", "downstream_task_boosted_trees", "downstream_task_logistic_regression",
    "factor_vae_metric", "irs", "mig", "modularity_explicitness", "sap_score", "unsupervised",
)  # fmt: skip


class _UndefinedMetric(UserError):
    """The metric is not defined on this representation or data set; others may be."""


def derive_study_seeds() -> dict[tuple[str, str], int]:
    """The seed of each (representation, step), where a step is ``postprocess`` or a metric."""
    random = np.random.RandomState(0)
    order = [(name, "postprocess") for name in REPRESENTATIONS]
    order += [(name, metric) for name in REPRESENTATIONS for metric in METRICS]
    return {place: int(random.randint(2**32, dtype=np.int64)) for place in order}


def compute_metric(data: Any, encode: Function) -> dict[str, Any]:
    """The metric that gin describes (``evaluation.evaluation_fn``, ``.random_seed``, ``.repeats``).

    Args:
      data: ground-truth data.
      encode: observations -> [n, latents].

    Raises:
      UserError: the metric is not defined on such data.
    """
    try:
        return metric.evaluate(data, encode)
    except (UserError, ValueError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "Required bindings" not in str(error):  # gin: a file lacks bindings
            raise
        name = gin.query_parameter("evaluation.name")
        raise _UndefinedMetric(
            f"The metric '{name}' cannot be computed: {str(error).splitlines()[0].rstrip('.')}."
        ) from error


def evaluate_run(
    root: str | Path,
    metrics: Sequence[str] = METRICS,
    representations: Sequence[str] = REPRESENTATIONS,
    repeats: int = 1,
    bindings: Sequence[str] = (),
    overwrite: bool = False,
    log: Callable[[str], None] = lambda line: None,
    preset: str = "",
) -> list[Path]:
    """Measures a finished run by the metrics that are still missing.

    Args:
      root: a finished run.
      metrics: names of files in ``gin_configs/metrics``, or paths of gin files, then named after the files.
      representations: ``mean``, ``sampled`` or both.
      repeats: evaluation seeds per metric.
      bindings: gin bindings on top of the metrics' files.
      overwrite: measures again what is already measured.
      log: receives a line when a metric begins, with its expected time, and when it ends.
      preset: name of a file in ``gin_configs/metrics/presets``, read between a metric's file and the bindings. Results
        with a preset are measured again without it; results without a preset are kept.

    Returns:
      The aggregate file of each representation and metric.

    Raises:
      UserError: no finished run, a data set without factors, an unknown metric or a wrong binding; at the end, metrics
        that could not be computed.
    """
    if repeats < 1:
        raise UserError(f"--repeats must be at least 1, got {repeats}.")
    run, metric_files = FinishedRun.open(root), [find_metric_file(name) for name in metrics]
    if unknown := [name for name in representations if name not in REPRESENTATIONS]:
        raise UserError(f"--representations must be of mean and sampled, got {unknown[0]!r}.")
    preset_files = _find_preset(preset)
    work = [
        _Work(run.paths.metric(name, file.stem), name, [str(file), *preset_files], bindings, repeats)
        for name in representations
        for file in metric_files
    ]
    missing = [piece for piece in work if overwrite or not piece.is_done(preset)]
    failed: list[str] = []
    expected: list[float] = []
    if missing:
        with configured([], bindings):
            prepared = _encode_images(run)
        for line in prepared.points.notes:
            log(line)
        size = prepared.points.num_values, run.model.num_latents
        expected = [estimate_metric_seconds(piece.read_settings(), *size) for piece in missing]
    time_left = TimeLeft(rate=1.0)  # seconds of the rule of thumb per second of this machine
    for number, piece in enumerate(work, 1):
        title = f"[{number}/{len(work)}] {piece.representation} {piece.metric}"
        if piece not in missing:
            log(f"{title}: already measured")
            continue
        this, left = (format_duration(time_left.seconds(cost) or 0.0) for cost in (expected[0], sum(expected)))
        log(f"{title}: about {this}, {left} left in all")
        try:
            progress = report_progress(lambda done, total: log(f"  {done} of {total} factors"))
            with progress if expected[0] > _LONG else nullcontext():
                results = piece.measure(run, prepared, preset)
            log(f"{title}: {_summarize_scores(results)} ({results['elapsed_time']:.1f} s)")
        except _UndefinedMetric as error:
            log(f"{title}: {str(error).splitlines()[0]}")
            failed.append(f"{piece.representation} {piece.metric}")
        time_left.advance(expected.pop(0))
    if failed:
        raise UserError(
            f"{len(failed)} of {len(work)} could not be measured: {', '.join(failed)}; the others are done."
        )
    return [result_tree.aggregate_path(piece.folder, "evaluation") for piece in work]


@dataclass(frozen=True)
class _Work:
    """One metric on one representation.

    Attributes:
      folder: where its results are written.
      representation: ``mean`` or ``sampled``.
      files: gin files, the metric's own first.
      bindings: gin bindings on top of the files.
      repeats: evaluation seeds.
    """

    folder: Path
    representation: str
    files: Sequence[str]
    bindings: Sequence[str]
    repeats: int

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self.folder.name

    def is_done(self, preset: str) -> bool:
        """Whether it is measured, with this preset or with none; a measurement without a preset serves for both."""
        path = result_tree.aggregate_path(self.folder, "evaluation")
        return path.is_file() and result_tree.read_object(path).get(f"evaluation_config.{_PRESET}", "''") in (
            "''",
            repr(preset),
        )

    def read_settings(self) -> dict[str, str]:
        """The metric's settings as gin text; leaves gin empty."""
        with configured(self.files, [*self._own_bindings(), *self.bindings]):
            return RunConfig.from_gin().texts()

    def measure(self, run: FinishedRun, prepared: Representations, preset: str) -> dict[str, Any]:
        """Measures the metric, writes its part of the result tree and returns the results."""
        _write_postprocess(run, self.representation, derive_study_seeds())
        started = time.perf_counter()
        encode = prepared.make_encoder(self.representation, derive_study_seeds()[self.representation, "postprocess"])
        with configured(self.files, [*self._own_bindings(), *self.bindings]):
            results = dict(compute_metric(prepared.data, encode))
            used = RunConfig.operative().texts()
        results = leave_out_undefined(results, len(prepared.points.columns))
        settings = {**run.dataset, **{key: value for key, value in used.items() if not key.startswith("dataset.")}}
        results["elapsed_time"] = time.perf_counter() - started
        before = run.paths.postprocessed(self.representation)
        if preset:
            settings[_PRESET] = repr(preset)
        result_tree.write_step(self.folder, "evaluation", settings, results, before)
        return results

    def _own_bindings(self) -> list[str]:
        place = self.representation, self.metric
        seed = derive_study_seeds().get(place, derive(0, *place))
        name = f"evaluation.name = '{self.metric}'"
        return [f"evaluation.random_seed = {seed}", name, f"evaluation.repeats = {self.repeats}"]


def _encode_images(run: FinishedRun) -> Representations:
    if run.images.factor_space is None:
        raise UserError(
            f"bin/evaluate needs ground-truth factors, but '{run.images.name}' has none: give dataset.factors."
        )
    run.write_training_results()
    return Representations(run.model, run.images)


def _write_postprocess(run: FinishedRun, name: str, all_seeds: dict[tuple[str, str], int]) -> None:
    """Writes the step between training and evaluation, which names the representation."""
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


def find_metric_file(name: str) -> Path:
    """The gin file of a metric, given by its name or as a path.

    Raises:
      UserError: there is no such file.
    """
    path = Path(name) if name.endswith(".gin") else METRIC_FILES / f"{name}.gin"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in METRIC_FILES.glob("*.gin")))
        raise UserError(f"Unknown metric {name!r}: expected one of {known}, or a gin file.")
    return path


def _find_preset(name: str) -> list[str]:
    """The gin files of a preset; none for an empty name.

    Raises:
      UserError: no such preset, or the package of its trees is not installed.
    """
    if not name:
        return []
    path = _PRESETS / f"{name}.gin"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in _PRESETS.glob("*.gin")))
        raise UserError(f"Unknown preset {name!r}: expected {there}.")
    if "lightgbm" in path.read_text() and importlib.util.find_spec("lightgbm") is None:
        raise UserError(f"The preset '{name}' needs LightGBM: pip install lightgbm, or measure without --preset.")
    return [str(path)]


def _summarize_scores(results: dict[str, Any]) -> str:
    """The first four scores, and the undefined ones."""
    scores = {key: value for key, value in results.items() if isinstance(value, float) and key != "elapsed_time"}
    numbers = [f"{key} {value:.3f}" for key, value in scores.items()][:4]
    return ", ".join([*numbers, *([results["undefined"]] if "undefined" in results else [])]) or "done"
