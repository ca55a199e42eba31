"""Scores a representation by the metric that gin configures, with one seed or several."""

import inspect

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import (  # noqa: F401  registers their gin names
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    fairness,
    irs,
    mig,
    modularity_explicitness,
    nmig,
    reduced_downstream_task,
    sampling,
    sap_score,
    strong_downstream_task,
    threads,
    unified_scores,
    unsupervised_metrics,
    utils,
)
from third_party.disentanglement_lib.evaluation.udr.metrics import udr  # noqa: F401


@gin.configurable("evaluation", denylist=["ground_truth_data", "representation_function", "artifact_dir"])
def evaluate(
    ground_truth_data,
    representation_function,
    artifact_dir=None,
    evaluation_fn=gin.REQUIRED,
    random_seed=0,
    name="",
    repeats=1,
):
    """Runs gin's `evaluation.evaluation_fn`, a metric with disentanglement_lib's interface, on a representation.

    Args:
        ground_truth_data: data with disentanglement_lib's interface.
        representation_function: images [n, height, width, channels] to codes [n, latents]; for UDR a list of
            functions to (codes [n, latents], mean KL [latents]).
        artifact_dir: passed to a metric that accepts it.
        evaluation_fn: the metric.
        random_seed: the first seed.
        name: name of the evaluation, for readers of the configuration.
        repeats: number of consecutive seeds from `random_seed`; images are encoded once for all if possible.

    Returns:
        The metric's result; with several seeds, the summary of `repeat`.
    """
    del name
    several_models = isinstance(representation_function, (list, tuple))
    if not several_models:
        ground_truth_data, representation_function = sampling.encode_once(ground_truth_data, representation_function)
    parameters = inspect.signature(evaluation_fn).parameters.values()
    takes_folder = any(p.name == "artifact_dir" or p.kind is p.VAR_KEYWORD for p in parameters)
    options = {"artifact_dir": artifact_dir} if takes_folder else {}

    def run(seed):
        generator = np.random.RandomState(seed)
        return evaluation_fn(ground_truth_data, representation_function, random_state=generator, **options)

    with threads.one_thread():
        return repeat(run, range(random_seed, random_seed + repeats))


def repeat(function, seeds):
    """Results of `function(seed)`, dicts with the same keys, over several seeds.

    Returns:
        The result itself for one seed. For more seeds: the mean under each key, its standard error (sample standard
        deviation over the root of the number of seeds) under "<key>.standard_error", and "num_seeds". Lists
        are averaged item by item; other values are those of the first seed.
    """
    results = [function(seed) for seed in seeds]
    if len(results) == 1:
        return results[0]
    if not results:
        raise ValueError("seeds: expected at least 1, received none")
    summary = {}
    for key, first in results[0].items():
        values = np.array([result[key] for result in results])
        if values.dtype.kind not in "fiub":
            summary[key] = first
            continue
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        summary[key] = values.mean(axis=0).tolist()
        summary[f"{key}.standard_error"] = error.tolist()
    return summary | {"num_seeds": len(results)}
