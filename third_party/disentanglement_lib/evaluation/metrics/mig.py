"""Mutual information gap (MIG).

Chen et al., Isolating Sources of Disentanglement in Variational Autoencoders, arXiv 1802.04942, equation 6:
the gap between the two latents that know most of a factor, over the factor's entropy, averaged over factors.
As in disentanglement_lib the codes are cut into bins, so the values compare with its tables and not with
Chen's estimator.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import utils, validation


@gin.configurable("mig", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"])
def compute_mig(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    batch_size=16,
    mode="dlib",
):
    """MIG of a representation on `num_train` drawn points: {"discrete_mig": float}."""
    del artifact_dir
    mus, ys = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    return _compute_mig(mus, utils.bin_continuous(ys, utils.continuous_factors(ground_truth_data)), mode)


@gin.configurable("mig_validation", denylist=["observations", "labels", "representation_function"])
def compute_mig_on_fixed_data(observations, labels, representation_function, batch_size=100, mode="dlib"):
    """MIG of a representation on given `observations` [n, ...] with `labels` [factors, n]."""
    mus = utils.obtain_representation(observations, representation_function, batch_size)
    return _compute_mig(mus, labels, mode)


def score(codes, factors, num_bins=20, mode="dlib", continuous_factors=False, discretizer=None):
    """MIG of codes.

    Args:
        codes: [n, latents].
        factors: [n, factors]; every distinct value of a discrete factor is a class.
        num_bins: bins for each latent between its smallest and largest value.
        mode: "dlib", or "fixed": constant factors are left out, a single latent is compared with an inactive one.
        continuous_factors: a bool, or one for each factor: these are cut into `num_bins` bins of equal counts.
        discretizer: function of a table [rows, n] and num_bins for the latents; equal-width bins by default.

    Returns:
        {"discrete_mig": float}, nan in mode "dlib" if a factor is constant.

    Raises:
        ValueError: codes or factors that are not tables of finite numbers; one latent in mode "dlib".
    """
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    discretizer = discretizer or utils._histogram_discretize
    ys = utils.bin_continuous(factors.T, continuous_factors, num_bins)
    return _score_bins(discretizer(codes.T, num_bins), ys, mode)


def _compute_mig(mus, ys, mode="dlib"):
    codes = validation.check_codes(mus.T)
    factors = validation.check_factors(ys.T, len(codes))
    return _score_bins(utils.make_discretizer(codes.T), factors.T, mode)


def _score_bins(bins, ys, mode):
    validation.check_mode(mode)
    if mode == "fixed":
        ys = ys[validation.varying_factors(ys, "MIG")]
    else:
        validation.reject_single_latent(len(bins), "MIG")
    information = utils.discrete_mutual_info(bins, ys)
    return {"discrete_mig": float(np.mean(gaps(information, utils.discrete_entropy(ys))))}


def gaps(information, entropy):
    """Each factor's gap over its entropy, [factors], from mutual information [latents, factors]; nan for
    0 / 0.

    A single latent is compared with one without information.
    """
    information = np.vstack([information, np.zeros_like(information[:1])]) if len(information) == 1 else information
    second, first = np.sort(information, axis=0)[-2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (first - second) / entropy
