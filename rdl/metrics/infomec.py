"""InfoMEC: modularity, explicitness and compactness from normalised information (Hsu et al. 2023, arXiv 2305.18378).

Section 4 of "Disentanglement via Latent Quantization" defines them for factors s_i and latents z_j. With

    NMI_ij = I(s_i; z_j) / H(s_i)

over the active latents,

    InfoM = (mean_j [max_i NMI_ij / sum_i NMI_ij] - 1 / factors) / (1 - 1 / factors)    one factor per latent
    InfoC = (mean_i [max_j NMI_ij / sum_j NMI_ij] - 1 / latents) / (1 - 1 / latents)    one latent per factor
    InfoE = mean_i [1 - H_V(s_i | z) / H(s_i)]                                          linear probes

where H_V(s | z) is the least mean negative log-likelihood of s under a multinomial logistic regression on all latents
(predictive V-information, Xu et al. 2020, arXiv 2002.10689). As in the paper, the mutual information of a continuous
latent and a discrete factor is estimated by 10 nearest neighbours (Ross 2014), and a latent is active if its range is
more than a twentieth of the widest range. Continuous factors are cut into 20 bins of equal counts for NMI; their term
of InfoE is R^2 of a linear regression. docs/deviations.md lists the differences from the released code.
"""

from typing import Any

import gin
import numpy as np
from sklearn.feature_selection import mutual_info_classif

from third_party.disentanglement_lib.evaluation.metrics import logistic, utils, validation

_GIVEN = ["ground_truth_data", "representation_function", "random_state", "artifact_dir"]


@gin.configurable("infomec", denylist=_GIVEN)
def compute_infomec(
    ground_truth_data,
    representation_function,
    random_state: np.random.RandomState,
    artifact_dir=None,
    num_train: int = 10_000,
    batch_size: int = 16,
    neighbours: int = 10,
    active_range: float = 0.05,
) -> dict[str, Any]:
    """InfoMEC on `num_train` drawn points, with disentanglement_lib's interface; see `measure_infomec`."""
    del artifact_dir
    codes, factors = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    continuous = utils.continuous_factors(ground_truth_data)
    return measure_infomec(codes.T, factors.T, random_state, neighbours, active_range, continuous)


def measure_infomec(
    codes: np.ndarray,
    factors: np.ndarray,
    random_state: int | np.random.RandomState = 0,
    neighbours: int = 10,
    active_range: float = 0.05,
    continuous_factors: bool | np.ndarray = False,
) -> dict[str, Any]:
    """InfoMEC of codes.

    Args:
      codes: [n, latents]. Equal points count once: a neighbour at distance 0 would determine everything.
      factors: [n, factors]; constant factors are left out.
      random_state: of the noise, 1e-10 of a latent's size, by which scikit-learn separates equal codes.
      neighbours: number of nearest neighbours in the estimate of mutual information.
      active_range: latents whose range is at most this share of the widest latent's do not count in InfoM and InfoC.
      continuous_factors: a bool, or one for each factor.

    Returns:
      `infom`, `infoe`, `infoc`, at most 1; `active_latents`, their number. With one factor InfoM is 1, with one active
      latent InfoC is 1; without an active latent both are 0.

    Raises:
      ValueError: arrays that are not tables of finite numbers, constant factors only, or discrete factors with
        fractions and too many values.
    """
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    continuous = validation.factor_mask(continuous_factors, factors.shape[1])
    if neighbours < 1 or not 0.0 <= active_range < 1.0:
        raise ValueError(
            f"InfoMEC: expected neighbours of at least 1 and an active_range in [0, 1), received {neighbours} and "
            f"{active_range}"
        )
    num_latents = codes.shape[1]
    points = np.unique(np.hstack([codes.astype(np.float64), factors]), axis=0)
    codes = validation.moderate(points[:, :num_latents], by_latent=True)[1][0]
    values = points[:, num_latents:].T
    varying = validation.varying_factors(values, "InfoMEC")
    values, continuous = values[varying], continuous[varying]
    labels = utils.bin_continuous(values, continuous).astype(np.float64)
    labels, _ = validation.classes(labels, np.empty((len(labels), 0)), "InfoMEC")
    ranges = np.ptp(points[:, :num_latents], axis=0)
    active = ranges > active_range * ranges.max()
    normalized = _information(codes[:, active], labels, neighbours, random_state)
    normalized /= np.maximum(utils.discrete_entropy(labels), np.finfo(np.float64).tiny)[:, None]
    return {
        "infom": modularity(normalized),
        "infoe": float(np.mean(_explained(codes, labels, values, continuous))),
        "infoc": modularity(normalized.T) if active.any() else 0.0,
        "active_latents": int(active.sum()),
    }


def modularity(normalized: np.ndarray) -> float:
    """InfoM of normalised information [factors, latents]; InfoC of its transpose.

    A latent without information counts as one with equal information on all factors.
    """
    factors, latents = normalized.shape
    if not latents:
        return 0.0
    if factors == 1:
        return 1.0
    totals = normalized.sum(axis=0)
    shares = np.where(totals > 0, normalized.max(axis=0) / np.where(totals > 0, totals, 1.0), 1.0 / factors)
    return float((shares.mean() - 1.0 / factors) / (1.0 - 1.0 / factors))


def _information(codes, labels, neighbours: int, random_state) -> np.ndarray:
    """I(s_i; z_j) in nats, [factors, latents], of codes [n, latents] and labels [factors, n]."""
    if not codes.shape[1]:
        return np.zeros((len(labels), 0))
    seeds = utils.independent_seeds(random_state, len(labels))
    standard = codes / codes.std(axis=0)
    return np.stack(
        [
            mutual_info_classif(standard, row, discrete_features=False, n_neighbors=neighbours, random_state=int(seed))
            for row, seed in zip(labels, seeds, strict=True)
        ]
    )


def _explained(codes, labels, values, continuous) -> np.ndarray:
    """1 - H_V(s_i | z) / H(s_i), or R^2 of a continuous factor, [factors], on the points of the fit."""
    deviations = codes.std(axis=0)
    standard = (codes - codes.mean(axis=0))[:, deviations > 0] / deviations[deviations > 0]
    entropies = utils.discrete_entropy(labels)
    explained = []
    for row, value, is_continuous, entropy in zip(labels, values, continuous, entropies, strict=True):
        if is_continuous:
            centred = value - value.mean()
            residual = centred - standard @ np.linalg.lstsq(standard, centred, rcond=None)[0]
            explained.append(1.0 - np.sum(residual**2) / np.sum(centred**2))
            continue
        likelihoods = logistic.LogisticRegression(C=np.inf).fit(standard, row).predict_proba(standard)
        chosen = np.maximum(likelihoods[np.arange(len(row)), row], np.finfo(np.float64).tiny)
        explained.append(1.0 + np.mean(np.log(chosen)) / entropy)
    return np.array(explained)
