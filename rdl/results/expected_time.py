"""How long a metric will take: a rough rule.

The costs are CPU seconds of one core of a current Xeon (``benchmarks/evaluation.py``); trees and regressions, one a
factor, run side by side on all cores.
"""

import ast
import os
from collections.abc import Mapping, Sequence

_TREES = 2.8e-5  # scikit-learn's: seconds per class, training point and latent, for 100 rounds
_LIGHT = 0.018, 9e-7  # LightGBM's: per class, and per class, training point and latent
_LOGISTIC = 0.2, 6e-5, 6.8e-6  # with cross-validation: per factor, per factor and point, per class and point
_FOREST = 2.4  # DCI-ES: per factor, of 10,000 points
_OTHERS = 1.0
_SIZES = (10, 100, 1000, 10_000)  # the downstream tasks' own


def seconds(settings: Mapping[str, str], factor_values: Sequence[int], num_latents: int) -> float:
    """Seconds that a metric may take.

    Args:
      settings: gin's text of the metric's file and what was bound on top.
      factor_values: number of values of every factor.
      num_latents: of the representation.
    """
    metric = settings.get("evaluation.evaluation_fn", "").strip("@()")
    side_by_side = min(os.cpu_count() or 1, len(factor_values))
    if metric == "dci":
        cost = _trees(
            [_number(settings, "dci.num_train", 10_000)], settings.get("dci.backend"), factor_values, num_latents
        )
    elif metric == "dci_es":
        cost = _FOREST * len(factor_values)
    elif metric == "downstream_task":
        sizes = ast.literal_eval(settings.get("downstream_task.num_train", repr(_SIZES)))
        if "logistic" in settings.get("predictor.predictor_fn", ""):
            each, by_point, by_class = _LOGISTIC
            cost = sum(each + size * (by_point + by_class * values) for size in sizes for values in factor_values)
        else:
            cost = _trees(sizes, settings.get("gradient_boosting_classifier.backend"), factor_values, num_latents)
    else:
        return _OTHERS
    return cost / side_by_side * int(settings.get("evaluation.repeats", "1"))


def _trees(sizes: Sequence[int], backend: str | None, factor_values: Sequence[int], num_latents: int) -> float:
    trees = sum(values if values > 2 else 1 for values in factor_values)  # a round grows one a class
    if backend is not None and "lightgbm" in backend:
        each, by_point = _LIGHT
        return sum(trees * (each + by_point * size * num_latents) for size in sizes)
    return sum(trees * _TREES * size * num_latents for size in sizes)


def _number(settings: Mapping[str, str], key: str, usual: int) -> int:
    return int(settings.get(key, str(usual)).replace("_", ""))
