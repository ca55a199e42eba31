"""InfoMEC: modularity, explicitness and compactness from normalised information (Hsu et al. 2023, arXiv 2305.18378).

From section 4 of "Disentanglement via Latent Quantization", for factors s_i and latents z_j. With

    NMI_ij = I(s_i; z_j) / H(s_i)

over the active latents,

    InfoM = (mean_j [max_i NMI_ij / sum_i NMI_ij] - 1 / factors) / (1 - 1 / factors)     each latent knows one factor
    InfoC = (mean_i [max_j NMI_ij / sum_j NMI_ij] - 1 / latents) / (1 - 1 / latents)     each factor lies in one latent
    InfoE = mean_i [1 - H_V(s_i | z) / H(s_i)]                                           factors are read off linearly

where H_V(s | z) is the least mean negative log-likelihood of s by a multinomial logistic regression on all latents
(predictive V-information of Xu et al. 2020, arXiv 2002.10689). As there, the latents being continuous and the factors
discrete, mutual information is estimated by 10 nearest neighbours (Ross 2014), and a latent whose range is at most a
twentieth of the widest is not active. docs/deviations.md says where this differs from the code released with it.
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
    """InfoMEC of a representation on `num_train` drawn points, in disentanglement_lib's form; keys as `score`."""
    del artifact_dir
    codes, factors = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    return score(codes.T, factors.T, random_state, neighbours, active_range)


def score(
    codes: np.ndarray,
    factors: np.ndarray,
    random_state: int | np.random.RandomState = 0,
    neighbours: int = 10,
    active_range: float = 0.05,
) -> dict[str, Any]:
    """InfoMEC of codes.

    Args:
      codes: [n, latents]. A point that occurs twice counts once: a neighbour at distance 0 would tell everything.
      factors: [n, factors], discrete; those of one value are left out.
      random_state: of the noise, 1e-10 of a latent's size, by which scikit-learn tells equal codes apart.
      neighbours: of the estimate of mutual information.
      active_range: a latent whose range is not above so much of the widest latent's does not count in InfoM and InfoC.

    Returns:
      `infom`, `infoe`, `infoc`, at most 1; `active_latents`, how many are. A lone factor's InfoM and a lone active
      latent's InfoC are 1; where no latent is active both are 0.

    Raises:
      ValueError: arrays that are no tables of finite numbers, constant factors only, or factors that are continuous.
    """
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    if neighbours < 1 or not 0.0 <= active_range < 1.0:
        raise ValueError(
            f"InfoMEC: expected neighbours of at least 1 and an active_range in [0, 1), received {neighbours} and "
            f"{active_range}"
        )
    points = np.unique(np.hstack([codes.astype(np.float64), factors]), axis=0)
    codes = validation.moderate(points[:, : codes.shape[1]], by_latent=True)[1][0]
    labels, _ = validation.classes(points[:, codes.shape[1] :].T, np.empty((factors.shape[1], 0)), "InfoMEC")
    labels = labels[validation.varying_factors(labels, "InfoMEC")]
    ranges = np.ptp(points[:, : codes.shape[1]], axis=0)
    active = ranges > active_range * ranges.max()
    entropies = utils.discrete_entropy(labels)
    known = _information(codes[:, active], labels, neighbours, random_state) / entropies[:, None]
    return {
        "infom": modularity(known),
        "infoe": float(np.mean(1.0 - _conditional_entropies(codes, labels) / entropies)),
        "infoc": modularity(known.T) if active.any() else 0.0,
        "active_latents": int(active.sum()),
    }


def modularity(known: np.ndarray) -> float:
    """InfoM of normalised information [factors, latents]; of its transpose, InfoC.

    A latent that knows nothing of any factor knows of all as much.
    """
    factors, latents = known.shape
    if not latents:
        return 0.0
    if factors == 1:
        return 1.0
    totals = known.sum(axis=0)
    shares = np.where(totals > 0, known.max(axis=0) / np.where(totals > 0, totals, 1.0), 1.0 / factors)
    return float((shares.mean() - 1.0 / factors) / (1.0 - 1.0 / factors))


def _information(codes, labels, neighbours: int, random_state) -> np.ndarray:
    """I(s_i; z_j) in nats, [factors, latents], of codes [n, latents] and labels [factors, n]."""
    if not codes.shape[1]:
        return np.zeros((len(labels), 0))
    if not hasattr(random_state, "randint"):
        random_state = np.random.RandomState(random_state)
    seeds = utils.independent_generator(random_state).randint(2**31 - 1, size=len(labels))
    standard = codes / codes.std(axis=0)
    return np.stack(
        [
            mutual_info_classif(standard, row, discrete_features=False, n_neighbors=neighbours, random_state=int(seed))
            for row, seed in zip(labels, seeds, strict=True)
        ]
    )


def _conditional_entropies(codes, labels) -> np.ndarray:
    """H_V(s_i | z) in nats, [factors]: of the points that the regressions are fitted to."""
    deviations = codes.std(axis=0)
    standard = (codes - codes.mean(axis=0))[:, deviations > 0] / deviations[deviations > 0]
    found = []
    for row in labels:
        likelihoods = logistic.LogisticRegression(C=np.inf).fit(standard, row).predict_proba(standard)
        found.append(-np.mean(np.log(np.maximum(likelihoods[np.arange(len(row)), row], np.finfo(np.float64).tiny))))
    return np.array(found)
