"""Scores of codes alone: the dependence of Gaussians with their covariance, and their mutual information."""

import gin
import numpy as np
from scipy import linalg

from third_party.disentanglement_lib.evaluation.metrics import utils, validation


@gin.configurable(
    "unsupervised_metrics",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def unsupervised_metrics(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    batch_size=16,
    mode="dlib",
):
    """Unsupervised scores of a representation on `num_train` drawn points; see `score`."""
    del artifact_dir
    mus, _ = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    codes = validation.check_codes(mus.T)
    return _score_bins(codes, utils.make_discretizer(codes.T), mode)


def score(codes, num_bins=20, mode="dlib"):
    """Unsupervised scores of codes.

    Args:
        codes: [n, latents].
        num_bins: equal-width bins for each latent in the mutual information.
        mode: "dlib", or "fixed": always finite. Constant latents are left out of the Gaussian scores, and linearly
            dependent ones count as dependent to machine precision, where the original returns nan, inf or a
            complex number. A single latent scores 0.

    Returns:
        {"gaussian_total_correlation" in nats, "gaussian_wasserstein_correlation" in squared units of the
        codes, the same "..._norm" over the total variance, "mutual_info_score" in nats, the mean over pairs}:
        floats.

    Raises:
        ValueError: codes that are not a table of finite numbers; in mode "dlib" one latent, one point, or a latent with
            a variance out of range.
    """
    codes = validation.check_codes(codes)
    return _score_bins(codes, utils._histogram_discretize(codes.T, num_bins), mode)


def _score_bins(codes, bins, mode):
    validation.check_mode(mode)
    exponent = 0
    if mode == "fixed":
        exponent, (codes,) = validation.moderate(codes)
    elif min(bins.shape) < 2:
        raise ValueError(
            "unsupervised: expected at least 2 latents and 2 points, "
            f'received {len(bins)} and {len(codes)}; use mode="fixed"'
        )
    information = utils.discrete_mutual_info(bins, bins)
    np.fill_diagonal(information, 0.0)
    pairs = len(bins) * (len(bins) - 1)
    # A copy with another memory order would round differently, which a singular matrix amplifies.
    mus = codes.T if mode == "dlib" else codes.T[~validation.constant_rows(codes.T)]
    with np.errstate(over="ignore", invalid="ignore"):
        cov = np.atleast_2d(np.cov(mus)) if len(mus) else np.zeros((1, 1))
    if not np.isfinite(cov).all():
        latent = int(np.argmin(np.isfinite(cov).all(axis=1)))
        raise ValueError(
            f"unsupervised: expected codes with a finite variance, received others in latent {latent}; scale them or "
            'use mode="fixed"'
        )
    if mode == "fixed":
        total_correlation, wasserstein = _bounded_total_correlation(cov), _bounded_wasserstein_correlation(cov)
    else:
        total_correlation, wasserstein = gaussian_total_correlation(cov), gaussian_wasserstein_correlation(cov)
    with np.errstate(invalid="ignore"):
        share = wasserstein / np.trace(cov) if mode == "dlib" or np.trace(cov) > 0.0 else 0.0
    with np.errstate(over="ignore"):
        wasserstein = min(np.ldexp(wasserstein, -2 * exponent), np.finfo(np.float64).max)
    return {
        "gaussian_total_correlation": float(total_correlation),
        "gaussian_wasserstein_correlation": float(wasserstein),
        "gaussian_wasserstein_correlation_norm": float(share),
        "mutual_info_score": float(information.sum() / pairs) if pairs else 0.0,
    }


def gaussian_total_correlation(cov):
    """KL divergence of N(0, cov) from the product of its marginals, in nats: (sum log diag - log det) / 2."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * (np.sum(np.log(np.diag(cov))) - np.linalg.slogdet(cov)[1])


def _bounded_total_correlation(cov):
    """The same from the eigenvalues of the correlations, each at least machine precision."""
    scale = np.sqrt(np.diag(cov))
    scale = np.where(scale > 0.0, scale, 1.0)
    correlations = cov / np.outer(scale, scale)
    np.fill_diagonal(correlations, 1.0)
    eigenvalues = np.linalg.eigvalsh(correlations)
    return max(0.0, -0.5 * np.sum(np.log(np.maximum(eigenvalues, np.finfo(float).eps))))


def gaussian_wasserstein_correlation(cov):
    """Squared 2-Wasserstein distance of N(0, cov) to the product of its marginals N(0, D).

    2 tr(cov) - 2 tr((D cov)^(1/2)), with the trace of the root from the eigenvalues of a Schur decomposition of D cov.
    If cov is singular, rounding determines the last half of the digits and the roots are complex: the real part is
    returned.
    """
    triangle, _ = linalg.schur(cov * np.diag(cov)[:, None], output="real")
    triangle, _ = linalg.rsf2csf(triangle, np.eye(len(cov)))
    return 2 * np.trace(cov) - 2 * np.sum(np.sqrt(np.diag(triangle))).real


def _bounded_wasserstein_correlation(cov):
    """The same by the eigenvalues of the symmetric D^(1/2) cov D^(1/2), which equal those of D cov and are real."""
    scale = np.sqrt(np.diag(cov))
    eigenvalues = np.linalg.eigvalsh(cov * np.outer(scale, scale))
    return max(0.0, 2 * np.trace(cov) - 2 * np.sum(np.sqrt(np.maximum(eigenvalues, 0.0))))
