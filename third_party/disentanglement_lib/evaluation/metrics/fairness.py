"""Unfairness of classifiers on a representation.

Locatello et al., On the Fairness of Disentangled Representations, arXiv 1905.13662, section 4: the total variation
between the distributions of a classifier's predictions of one factor with and without an intervention on another,
sensitive factor.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import downstream_task, sampling, utils, validation


@gin.configurable("fairness", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"])
def compute_fairness(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    num_test_points_per_class=100,
    batch_size=16,
    mode="dlib",
):
    """Unfairness of gin's `predictor` for every predicted and sensitive factor.

    Returns:
        "mean_fairness:pred<i>:sens<j>" and its means and maxima over i, over j, and over both in either order
        ("mean_fairness:mean_pred:max_sens" is the mean over predicted factors of the maximum over sensitive
        ones); the same with "max_fairness": floats.
    """
    del artifact_dir
    validation.reject_continuous(utils.continuous_factors(ground_truth_data), "fairness", "it classifies values")
    data, encode = sampling.encode_once(ground_truth_data, representation_function)
    sizes = data.factors_num_values
    num_factors = len(sizes)
    if num_factors < 2:
        raise ValueError("fairness: expected at least 2 factors, to predict one and set another, received 1")
    mus_train, ys_train = utils.generate_batch_factor_code(data, encode, num_train, random_state, batch_size)
    models = downstream_task.make_predictors(num_factors, utils.make_predictor_fn(), random_state, mode)
    mean_fairness = np.zeros((num_factors, num_factors))
    max_fairness = np.zeros((num_factors, num_factors))
    for i in range(num_factors):
        model = downstream_task.fit_predictor(models[i], mus_train.T, ys_train[i], i, mode)
        for j in range(num_factors):
            if i == j:
                continue
            factors = data.sample_factors(num_test_points_per_class, random_state)
            counts = np.zeros((sizes[i], sizes[j]), dtype=np.int64)
            for value in range(sizes[j]):
                intervened = factors.copy()
                intervened[:, j] = value
                observations = data.sample_observations_from_factors(intervened, random_state)
                codes = utils.obtain_representation(observations, encode, batch_size).T
                counts[:, value] = np.bincount(model.predict(codes), minlength=sizes[i])
            mean_fairness[i, j], max_fairness[i, j] = inter_group_fairness(counts)
    return compute_scores_dict(mean_fairness, "mean_fairness") | compute_scores_dict(max_fairness, "max_fairness")


def inter_group_fairness(counts):
    """Mean and maximum over groups of the total variation between a group's predictions and all predictions.

    `counts` is [predicted values, groups]; the mean is weighted by the groups' sizes.
    """
    per_group = counts.sum(axis=0)
    overall = counts.sum(axis=1) / counts.sum()
    distances = np.abs(counts / per_group - overall[:, None]).sum(axis=0) / 2.0
    return float(np.average(distances, weights=per_group)), float(distances.max())


def compute_scores_dict(metric, prefix):
    """Scores of every pair of a predicted (rows) and a sensitive factor (columns), with their means and maxima."""
    factors = range(len(metric))
    scores = {f"{prefix}:pred{i}:sens{j}": float(metric[i, j]) for i in factors for j in factors if i != j}
    reductions = {"mean": np.mean, "max": np.max}
    pairs = (("pred", "sens", metric), ("sens", "pred", metric.T))
    for outer, inner, table in pairs:
        others = [np.delete(row, i) for i, row in enumerate(table)]
        for name, reduce in reductions.items():
            lines = [float(reduce(row)) for row in others]  # type: ignore[operator]
            scores |= {f"{prefix}:{outer}{i}:{name}_{inner}": line for i, line in enumerate(lines)}
            for outer_name, outer_reduce in reductions.items():
                scores[f"{prefix}:{outer_name}_{outer}:{name}_{inner}"] = float(outer_reduce(lines))  # type: ignore[operator]
    return scores
