"""Expected computing time of a metric as gin configures it, by the rule in `rdl.metrics.cost`."""

import ast
import os
from collections.abc import Mapping, Sequence

from rdl.metrics.cost import FOREST, VOTES, regression_seconds, tree_seconds

_SIZES = (10, 100, 1000, 10_000)  # default training sizes of the downstream tasks
_BY_VOTES = ("beta_vae_sklearn", "factor_vae_score")


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
        sizes = ast.literal_eval(settings.get("downstream_task.num_train", repr(_SIZES)))
        if "logistic" in settings.get("predictor.predictor_fn", ""):
            cost = sum(regression_seconds(size, factor_values) for size in sizes)
        else:
            backend = settings.get("gradient_boosting_classifier.backend", "sklearn")
            cost = sum(tree_seconds(size, factor_values, num_latents, backend) for size in sizes)
    else:
        return (VOTES if metric in _BY_VOTES else 1.0) * repeats
    return cost / parallel * repeats
