"""MIG and its normalised form (NMIG), for which a factor's best latent must have no information on other factors.

As in the reference implementation of Estermann et al., Robust Disentanglement of a Few Factors at a Time,
arXiv 2010.13527: for every factor, the normalised information of its best latent minus the largest normalised
information of this latent on another factor, averaged over factors. disentanglement_lib itself has no NMIG.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import mig, utils, validation


@gin.configurable("nmig", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"])
def compute_nmig(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    batch_size=16,
    active=None,
    mode="dlib",
):
    """MIG and NMIG of a representation on `num_train` drawn points; see `score`."""
    del artifact_dir
    mus, ys = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    codes = validation.check_codes(mus.T)
    ys = utils.bin_continuous(ys, utils.continuous_factors(ground_truth_data))
    return _score_bins(utils.make_discretizer(codes.T), ys, active, mode)


def score(codes, factors, active=None, num_bins=20, mode="dlib", continuous_factors=False):
    """MIG and NMIG of codes.

    Args:
        codes: [n, latents].
        factors: [n, factors].
        active: indices of the factors that count; all by default.
        num_bins: equal-width bins for each latent.
        mode: "dlib", or "fixed": constant factors are left out, a lone latent is compared with an inactive one.
        continuous_factors: a bool, or one for each factor: these are cut into `num_bins` bins of equal counts.

    Returns:
        {"discrete_mig", "discrete_nmig"}: floats, nan in mode "dlib" if a factor is constant. With one
        factor NMIG is the largest normalised information.

    Raises:
        ValueError: codes or factors that are not tables of finite numbers; one latent in mode "dlib".
    """
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    ys = utils.bin_continuous(factors.T, continuous_factors, num_bins)
    return _score_bins(utils._histogram_discretize(codes.T, num_bins), ys, active, mode)


def _score_bins(bins, ys, active, mode):
    validation.check_mode(mode)
    if active is not None:
        ys = ys[np.asarray(active)]
    if mode == "fixed":
        ys = ys[validation.varying_factors(ys, "NMIG")]
    else:
        validation.reject_single_latent(len(bins), "NMIG")
    information = utils.discrete_mutual_info(bins, ys)
    entropy = utils.discrete_entropy(ys)
    with np.errstate(divide="ignore", invalid="ignore"):
        normalized = information / entropy  # [latents, factors]
    if len(ys) == 1:
        nmig = np.max(normalized)
    else:
        factors = np.arange(len(ys))
        of_best = normalized[np.argmax(normalized, axis=0)]  # [factors, factors]: rows of each factor's best latent
        others = np.where(np.eye(len(ys), dtype=bool), -np.inf, of_best)
        nmig = np.mean(of_best[factors, factors] - others.max(axis=1))
    return {"discrete_mig": float(np.mean(mig.gaps(information, entropy))), "discrete_nmig": float(nmig)}
