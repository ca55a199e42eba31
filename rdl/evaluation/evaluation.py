"""Measures a finished run by disentanglement_lib's metrics and writes that library's tree of results.

The seeds are those of its script for reproducing a study: one generator seeded by 0 gives a seed to each
representation, then one to each metric on the means, then one to each on the samples, names in alphabetical order.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np

from rdl.bindings import Settings, of_text, read_gin
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.evaluation import result_tree
from rdl.evaluation.finished_run import FinishedRun
from rdl.models.saving.saved import TrainedModel
from rdl.seeds import derive
from third_party.disentanglement_lib.evaluation import evaluate as metric
from third_party.disentanglement_lib.evaluation.metrics.sampling import EncodedStates, encode_once

_FILES = Path(__file__).resolve().parents[2] / "gin_configs" / "metrics"
_FEW_STATES = 100_000
REPRESENTATIONS = ("mean", "sampled")
METRICS = (
    "beta_vae_sklearn", "dci", "downstream_task_boosted_trees", "downstream_task_logistic_regression",
    "factor_vae_metric", "irs", "mig", "modularity_explicitness", "sap_score", "unsupervised",
)  # fmt: skip

Function = Callable[[np.ndarray], np.ndarray]
Tell = Callable[[str], None]


class _CannotCompute(UserError):
    """A metric is not defined on such a representation or data set; others may be."""


def seeds() -> dict[tuple[str, str], int]:
    """The seed of every (representation, step), the steps being ``postprocess`` and the metrics."""
    random = np.random.RandomState(0)
    order = [(name, "postprocess") for name in REPRESENTATIONS]
    order += [(name, metric) for name in REPRESENTATIONS for metric in METRICS]
    return {place: int(random.randint(2**32, dtype=np.int64)) for place in order}


class Representations:
    """A model's means and samples; each image is encoded once for all metrics where the data is deterministic.

    Args:
      model: the trained model.
      images: with factors.

    Attributes:
      data: what a metric has to draw its observations from.
    """

    def __init__(self, model: TrainedModel, images: ImageSet):
        def posterior(observations: np.ndarray) -> np.ndarray:
            found = model.posterior(observations)
            return np.concatenate([np.asarray(found.loc), np.asarray(found.log_variance)], axis=1)

        self.data, self._posterior = encode_once(images, posterior)
        if isinstance(self.data, EncodedStates) and np.prod(images.factors_num_values) <= _FEW_STATES:
            self._posterior(np.arange(np.prod(images.factors_num_values)))  # in bulk; metrics ask for a few at a time

    def function(self, name: str, seed: int) -> Function:
        """Observations -> representation [n, latents]: the posterior means, or samples with noise from the seed."""
        random = np.random.RandomState(seed)

        def mean(observations: np.ndarray) -> np.ndarray:
            return np.split(self._posterior(observations), 2, axis=-1)[0]

        def sampled(observations: np.ndarray) -> np.ndarray:
            means, log_variances = np.split(self._posterior(observations), 2, axis=-1)
            noise = random.standard_normal(means.shape).astype(means.dtype)
            return means + np.exp(0.5 * log_variances) * noise

        return {"mean": mean, "sampled": sampled}[name]


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
    except (ValueError, RuntimeError) as error:
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
    tell: Tell = lambda line: None,
) -> list[Path]:
    """Measures what is not measured yet; returns the aggregates of all the metrics asked for.

    Args:
      root: a finished run.
      metrics: names of files in ``gin_configs/metrics``, or paths of gin files, then named as the files.
      representations: of ``mean`` and ``sampled``.
      repeats: evaluation seeds per metric.
      bindings: gin's, on top of the metrics' files.
      overwrite: measure again what is measured.
      tell: is told what is done.

    Raises:
      UserError: no finished run, a data set without factors, an unknown metric or a wrong binding; at the end, metrics
        that could not be computed.
    """
    if repeats < 1:
        raise UserError(f"Expected at least 1 repeat, got {repeats}: set --repeats.")
    run, metric_files = FinishedRun.open(root), [metric_file(name) for name in metrics]
    if unknown := [name for name in representations if name not in REPRESENTATIONS]:
        raise UserError(f"Expected representations of mean and sampled, got {unknown[0]!r}.")
    all_seeds, prepared, paths, failed = seeds(), None, [], []
    work = [(name, file) for name in representations for file in metric_files]
    for number, (name, file) in enumerate(work, 1):
        folder = run.root / "metrics" / name / file.stem
        paths.append(result_tree.aggregate_path(folder, "evaluation"))
        if paths[-1].is_file() and not overwrite:
            tell(f"[{number}/{len(work)}] {name} {file.stem}: already there")
            continue
        if prepared is None:
            prepared = _prepare(run)
        _postprocess(run, name, all_seeds)
        started = time.perf_counter()
        seed = all_seeds.get((name, file.stem), derive(0, name, file.stem))
        function = prepared.function(name, all_seeds[name, "postprocess"])
        try:
            settings, results = _measure(run, prepared.data, function, file, seed, repeats, bindings)
        except _CannotCompute as error:
            tell(f"[{number}/{len(work)}] {str(error).splitlines()[0]}")
            failed.append(f"{name} {file.stem}")
            continue
        results["elapsed_time"] = time.perf_counter() - started
        result_tree.write_step(folder, "evaluation", settings, results, run.root / "postprocessed" / name)
        tell(f"[{number}/{len(work)}] {name} {file.stem}: {_brief(results)} ({results['elapsed_time']:.1f} s)")
    if failed:
        raise UserError(
            f"{len(failed)} of {len(work)} could not be measured: {', '.join(failed)}; the others are done."
        )
    return paths


def _prepare(run: FinishedRun) -> Representations:
    if run.images.factor_space is None:
        raise UserError(
            f"The factors of '{run.images.name}' are not known, so no metric of bin/evaluate can be computed."
        )
    run.write_training_results()
    return Representations(run.model, run.images)


def _postprocess(run: FinishedRun, name: str, all_seeds: dict[tuple[str, str], int]) -> None:
    """The step between training and evaluation: which representation it is."""
    folder = run.root / "postprocessed" / name
    if result_tree.is_complete(folder, "postprocess"):
        return
    settings = {
        **run.dataset,
        "postprocess.name": f"'{name}'",
        "postprocess.postprocess_fn": f"@{name}_representation",
        "postprocess.random_seed": str(all_seeds[name, "postprocess"]),
    }
    result_tree.write_step(folder, "postprocess", settings, {"elapsed_time": 0.0}, run.root / "model")


def _measure(
    run: FinishedRun, data: Any, function: Function, file: Path, seed: int, repeats: int, bindings: Sequence[str]
) -> tuple[Settings, dict[str, Any]]:
    """The settings used and the results of one metric."""
    own = [f"evaluation.random_seed = {seed}", f"evaluation.name = '{file.stem}'", f"evaluation.repeats = {repeats}"]
    gin.clear_config()
    try:
        read_gin([str(file)], [*own, *bindings])
        results = dict(evaluation(data, function))
        used = of_text(gin.operative_config_str(max_line_length=10_000))
    finally:
        gin.clear_config()
    return {**run.dataset, **{k: v for k, v in used.items() if not k.startswith("dataset.")}}, results


def metric_file(name: str) -> Path:
    """The gin file of a metric, by its name or as it is.

    Raises:
      UserError: there is none.
    """
    path = Path(name) if name.endswith(".gin") else _FILES / f"{name}.gin"
    if not path.is_file():
        raise UserError(f"No metric is called {name!r}: expected one of {', '.join(METRICS)}, or a gin file.")
    return path


def _is_score(key: str, value: Any) -> bool:
    return isinstance(value, float) and key != "elapsed_time"


def _brief(results: dict[str, Any]) -> str:
    """The first few numbers."""
    numbers = [f"{key} {value:.3f}" for key, value in results.items() if _is_score(key, value)]
    return ", ".join(numbers[:4]) if numbers else "done"
