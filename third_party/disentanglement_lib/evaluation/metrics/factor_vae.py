"""The FactorVAE score.

Kim and Mnih, Disentangling by Factorising, arXiv 1802.05983, section 4: the images of a batch share one factor, and the
latent with the least variance, relative to its variance over the data, votes for this factor. The score is the accuracy
of the majority vote.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import sampling, utils, validation


@gin.configurable(
    "factor_vae_score",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_factor_vae(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    batch_size=64,
    num_train=10000,
    num_eval=5000,
    num_variance_estimate=10000,
    mode="dlib",
):
    """FactorVAE score of a representation, latents pruned by gin's `prune_dims`; see `score`."""
    del artifact_dir
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "FactorVAE score", "its batches share one value of a factor")
    sampler = sampling.GroundTruth(ground_truth_data, representation_function)
    return score(sampler, random_state, batch_size, num_train, num_eval, num_variance_estimate, mode=mode)


def score(
    sampler,
    random_state=0,
    batch_size=64,
    num_train=10000,
    num_eval=5000,
    num_variance_estimate=10000,
    threshold=None,
    mode="dlib",
):
    """FactorVAE score of the codes of a sampler.

    Args:
        sampler: `sampling.GroundTruth(data, representation_function)` or `sampling.Points(codes, factors)`.
        random_state: seed or np.random.RandomState.
        batch_size: number of points that share a factor in one vote.
        num_train, num_eval: numbers of votes in training and evaluation.
        num_variance_estimate: number of points from which the latents' variances over the data are estimated.
        threshold: latents with a lower standard deviation do not vote; by default gin's
            `prune_dims.threshold`, which is 0 unless set (disentanglement_lib's studies set 0.05).
        mode: "dlib", or "fixed": constant latents do not vote at threshold 0 either, where the original lets them
            win every vote, and "num_active_dims" counts the latents that vote, where the original counts all.

    Returns:
        {"train_accuracy", "eval_accuracy": floats, "num_active_dims": int}; all 0 if no latent votes.
    """
    validation.check_mode(mode)
    if not hasattr(random_state, "randint"):
        random_state = np.random.RandomState(random_state)
    codes = sampler.codes(num_variance_estimate, random_state)
    with np.errstate(over="ignore", invalid="ignore"):
        variances = np.var(codes, axis=0, ddof=1)
    active = _prune_dims(variances) if threshold is None else _prune_dims(variances, threshold)
    if mode == "fixed":
        active &= ~validation.constant_rows(codes.T) & (variances > 0.0) & np.isfinite(variances)
    if not active.any():
        return {"train_accuracy": 0.0, "eval_accuracy": 0.0, "num_active_dims": 0}
    train = generate_votes(sampler, num_train, batch_size, random_state, variances, active)
    majority = np.argmax(train, axis=0)
    evaluation = generate_votes(sampler, num_eval, batch_size, random_state, variances, active)
    return {
        "train_accuracy": accuracy(train, majority),
        "eval_accuracy": accuracy(evaluation, majority),
        "num_active_dims": int(active.sum()) if mode == "fixed" else len(active),
    }


def accuracy(votes, majority):
    """Share of `votes` [factors, latents] for each latent's `majority` factor [latents]."""
    return float(votes[majority, np.arange(votes.shape[1])].sum() / votes.sum())


def generate_votes(sampler, num_votes, batch_size, random_state, variances, active):
    """Number of votes [factors, latents] of each latent for each factor.

    As in the original, latents are numbered among the active ones, so the last columns stay empty.
    """
    votes = np.zeros((sampler.num_factors, len(variances)), dtype=np.int64)
    for factors, codes in sampler.fixed(num_votes, batch_size, random_state):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            within = np.var(codes, axis=1, ddof=1)[:, active]
            least = np.argmin(within / variances[active], axis=1)
        np.add.at(votes, (factors, least), 1)
    return votes


@gin.configurable("prune_dims", denylist=["variances"])
def _prune_dims(variances, threshold=0.0):
    """Mask of the latents with a standard deviation of at least `threshold`."""
    return np.sqrt(variances) >= threshold
