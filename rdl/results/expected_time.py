"""A rule of thumb for how long a metric takes.

Costs are CPU seconds of one core of a current Xeon (``benchmarks/evaluation.py``). Trees and regressions, one per
factor, run in parallel on all cores.
"""

import ast
import os
from collections.abc import Mapping, Sequence

_TREES = 2.8e-5  # scikit-learn: seconds per class, training point and latent, for 100 rounds
_LIGHTGBM = 0.018, 9e-7  # seconds per class, and per class, training point and latent
_LOGISTIC = 0.2, 6e-5, 6.8e-6  # with cross-validation: per factor, per factor and point, per class and point
_FOREST = 2.4  # DCI-ES: per factor, of 10,000 points
_OTHER_METRICS = 1.0
_SIZES = (10, 100, 1000, 10_000)  # training sizes of the downstream tasks


def estimate_metric_seconds(settings: Mapping[str, str], factor_values: Sequence[int], num_latents: int) -> float:
    """Seconds that a metric takes on the reference machine.

    Args:
      settings: the metric's settings as gin text.
      factor_values: number of values of each factor.
      num_latents: size of the representation.
    """
    metric = settings.get("evaluation.evaluation_fn", "").strip("@()")
    parallel = min(os.cpu_count() or 1, len(factor_values))
    if metric == "dci":
        cost = _estimate_trees(
            [_read_number(settings, "dci.num_train", 10_000)], settings.get("dci.backend"), factor_values, num_latents
        )
    elif metric == "dci_es":
        cost = _FOREST * len(factor_values)
    elif metric == "downstream_task":
        sizes = ast.literal_eval(settings.get("downstream_task.num_train", repr(_SIZES)))
        if "logistic" in settings.get("predictor.predictor_fn", ""):
            each, by_point, by_class = _LOGISTIC
            cost = sum(each + size * (by_point + by_class * values) for size in sizes for values in factor_values)
        else:
            cost = _estimate_trees(
                sizes, settings.get("gradient_boosting_classifier.backend"), factor_values, num_latents
            )
    else:
        return _OTHER_METRICS
    return cost / parallel * int(settings.get("evaluation.repeats", "1"))


def _estimate_trees(sizes: Sequence[int], backend: str | None, factor_values: Sequence[int], num_latents: int) -> float:
    trees = sum(values if values > 2 else 1 for values in factor_values)  # a boosting round grows one tree per class
    if backend is not None and "lightgbm" in backend:
        each, by_point = _LIGHTGBM
        return sum(trees * (each + by_point * size * num_latents) for size in sizes)
    return sum(trees * _TREES * size * num_latents for size in sizes)


def _read_number(settings: Mapping[str, str], key: str, default: int) -> int:
    return int(settings.get(key, str(default)).replace("_", ""))
