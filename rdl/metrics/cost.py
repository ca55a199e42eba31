"""Expected computing time of the metrics on given codes: a rough rule.

The costs are CPU seconds of one core of a current Xeon (``benchmarks/evaluation.py``).
"""

import ast
import os
from collections.abc import Mapping, Sequence

TREES = 2.8e-5
"""scikit-learn's boosted trees: seconds per class, training point and latent, for 100 rounds."""
LIGHTGBM_TREES = 0.018, 9e-7
"""LightGBM's: seconds per class, and seconds per class, training point and latent."""
CROSS_VALIDATED_REGRESSION = 0.2, 6e-5, 6.8e-6
"""Logistic regression with cross-validation: seconds per factor, per factor and point, per class and point."""
FOREST = 2.4e-4
"""DCI-ES: seconds per factor and point."""
VOTES = 3.0
"""FactorVAE and beta-VAE scores on codes at hand: seconds."""

_DOWNSTREAM_SIZES = (10, 100, 1000, 10_000)  # default training sizes of the downstream tasks
_BY_VOTES = ("beta_vae_sklearn", "factor_vae_score")  # gin names


def expected_seconds(
    metric: str, num_points: int, num_values: Sequence[int], num_latents: int, backend: str = "sklearn"
) -> float:
    """Seconds that a metric may take.

    Args:
      metric: its name in disentanglement_lib's studies.
      num_points: training points.
      num_values: number of values of every factor; 1 for a continuous factor.
      num_latents: of the representation.
      backend: trees of DCI.
    """
    side_by_side = min(os.cpu_count() or 1, len(num_values))
    if metric == "dci":
        return tree_seconds(num_points, num_values, num_latents, backend) / side_by_side
    if metric in ("downstream_task_boosted_trees", "unified_scores"):
        return tree_seconds(num_points, num_values, num_latents) / side_by_side
    if metric == "downstream_task_logistic_regression":
        return regression_seconds(num_points, num_values) / side_by_side
    if metric == "reduced_downstream_task":
        trees = 2 * tree_seconds(num_points, num_values, num_latents)
        return trees + len(num_values) * regression_seconds(num_points, num_values) / side_by_side
    if metric == "dci_es":
        return FOREST * num_points * len(num_values) / side_by_side
    return VOTES if metric in ("factor_vae_metric", "beta_vae_sklearn") else 0.2


def estimate_metric_seconds(settings: Mapping[str, str], factor_values: Sequence[int], num_latents: int) -> float:
    """Seconds that a metric takes on the reference machine; trees and regressions run in parallel on all cores.

    Args:
      settings: the metric's settings as gin text.
      factor_values: number of values of each factor; 1 for a continuous factor.
      num_latents: size of the representation.
    """
    metric = settings.get("evaluation.evaluation_fn", "").strip("@()")
    repeats = int(settings.get("evaluation.repeats", "1"))
    parallel = min(os.cpu_count() or 1, len(factor_values))
    if metric == "dci":
        num_train = int(settings.get("dci.num_train", "10_000"))
        cost = tree_seconds(num_train, factor_values, num_latents, settings.get("dci.backend", "sklearn"))
    elif metric == "dci_es":
        cost = FOREST * 10_000 * len(factor_values)
    elif metric == "downstream_task":
        sizes = ast.literal_eval(settings.get("downstream_task.num_train", repr(_DOWNSTREAM_SIZES)))
        if "logistic" in settings.get("predictor.predictor_fn", ""):
            cost = sum(regression_seconds(size, factor_values) for size in sizes)
        else:
            backend = settings.get("gradient_boosting_classifier.backend", "sklearn")
            cost = sum(tree_seconds(size, factor_values, num_latents, backend) for size in sizes)
    else:
        return (VOTES if metric in _BY_VOTES else 1.0) * repeats
    return cost / parallel * repeats


def tree_seconds(num_points: int, num_values: Sequence[int], num_latents: int, backend: str = "sklearn") -> float:
    """CPU seconds of boosted trees, one model a factor."""
    trees = sum(values if values > 2 else 1 for values in num_values)  # a round grows one tree a class
    if "lightgbm" in backend:
        each, by_point = LIGHTGBM_TREES
        return trees * (each + by_point * num_points * num_latents)
    return trees * TREES * num_points * num_latents


def regression_seconds(num_points: int, num_values: Sequence[int]) -> float:
    """CPU seconds of cross-validated logistic regressions, one a factor."""
    each, by_point, by_class = CROSS_VALIDATED_REGRESSION
    return sum(each + num_points * (by_point + by_class * values) for values in num_values)
