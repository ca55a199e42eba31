"""The beta-VAE score.

Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, ICLR 2017,
section 3: pairs of images share one factor, and a linear classifier predicts which factor from the mean absolute
difference of their codes.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import logistic, sampling, utils, validation


@gin.configurable(
    "beta_vae_sklearn",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_beta_vae_sklearn(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    batch_size=64,
    num_train=10000,
    num_eval=5000,
    mode="dlib",
):
    """beta-VAE score of a representation: {"train_accuracy", "eval_accuracy"}."""
    del artifact_dir
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "beta-VAE score", "its pairs share one value of a factor")
    sampler = sampling.GroundTruth(ground_truth_data, representation_function)
    return score(sampler, random_state, batch_size, num_train, num_eval, mode)


def score(sampler, random_state=0, batch_size=64, num_train=10000, num_eval=5000, mode="dlib"):
    """beta-VAE score of the codes of a sampler.

    Args:
        sampler: `sampling.GroundTruth(data, representation_function)` or `sampling.Points(codes, factors)`.
        random_state: seed or np.random.RandomState.
        batch_size: number of pairs averaged in one training point.
        num_train, num_eval: numbers of points in training and evaluation.
        mode: "dlib", or "fixed": a single factor, which needs no classifier, scores 1.

    Returns:
        {"train_accuracy", "eval_accuracy"}: floats.

    Raises:
        ValueError: in mode "dlib" fewer than two factors among the training points.
    """
    validation.check_mode(mode)
    if not hasattr(random_state, "randint"):
        random_state = np.random.RandomState(random_state)
    train = generate_points(sampler, num_train, batch_size, random_state)
    evaluation = generate_points(sampler, num_eval, batch_size, random_state)
    return accuracies(*train, *evaluation, mode)  # type: ignore[call-arg]


def accuracies(points, labels, eval_points, eval_labels, mode="dlib"):
    """Accuracies of a logistic regression of `labels` [n] on `points` [n, latents]; keys as `score`."""
    if len(np.unique(labels)) < 2:
        if mode == "fixed":
            return {"train_accuracy": 1.0, "eval_accuracy": float(np.mean(eval_labels == labels[0]))}
        raise ValueError("beta-VAE score: expected at least 2 factors among the training points, received 1")
    if mode == "fixed":
        tables = (np.nan_to_num(table, posinf=np.finfo(np.float64).max / 4) for table in (points, eval_points))
        _, (points, eval_points) = validation.moderate(*tables)
    model = logistic.LogisticRegression().fit(points, labels)
    return {
        "train_accuracy": float(np.mean(model.predict(points) == labels)),
        "eval_accuracy": float(np.mean(model.predict(eval_points) == eval_labels)),
    }


def generate_points(sampler, num_points, batch_size, random_state):
    """Mean absolute differences [num_points, latents] and the factors [num_points] that the pairs share."""
    points, labels = [], []
    for factors, first, second in sampler.pairs(num_points, batch_size, random_state):
        with np.errstate(over="ignore"):
            points.append(np.mean(np.abs(first - second), axis=1))
        labels.append(factors)
    return np.concatenate(points).astype(np.float64), np.concatenate(labels)
