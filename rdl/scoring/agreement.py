"""How much of a model other models found again, latent by latent: candidates for choosing models without labels.

UDR averages the agreement over a model's active latents, so a model of one latent on which all agree scores highest.
The sums here grow with what is found again. All take codes of the same points by models of one data set.
"""

import numpy as np
from scipy import stats

from rdl.posterior import UDR_INACTIVE_KL
from rdl.seeds import generator


def agreement(codes: np.ndarray, kl: np.ndarray, kl_threshold: float = UDR_INACTIVE_KL) -> np.ndarray:
    """How far one latent of model j alone stands for latent a of model i: r_max^2 / sum_b r_b, r_b = |Spearman(a, b)|.

    That is a line of UDR's matrix (Duan et al., arXiv 1905.12614). It is 1 where one latent of j orders the points as
    a does and the others know nothing of it, and 0 for latents out of use.

    Args:
      codes: posterior means of the same points, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      kl_threshold: a latent whose KL is not above it is out of use.

    Returns:
      [models i, models j, latents a of i].
    """
    models, points, latents = codes.shape
    columns = codes.transpose(1, 0, 2).reshape(points, -1)
    ranks = stats.rankdata(columns, axis=0) - (points + 1) / 2
    norms = np.sqrt(np.square(ranks).sum(axis=0))
    ranks = np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 0)
    alike = np.abs(ranks.T @ ranks).reshape(models, latents, models, latents).transpose(0, 2, 1, 3)
    live = kl > kl_threshold
    alike = alike * live[:, None, :, None] * live[None, :, None, :]
    total = alike.sum(axis=-1)
    return np.divide(np.square(alike.max(axis=-1)), total, out=np.zeros_like(total), where=total > 0)


def replication(agreed: np.ndarray, weights: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The median over other models of a model's agreement, summed over its latents with weights, [models].

    Args:
      agreed: what `agreement` returns.
      weights: of every latent, [models, latents]: its KL for nats found again, 1 for latents found again.
      among: which models j model i is compared with, bool [models, models]; a model is never compared with itself.

    Returns:
      0 for a model that is compared with none.
    """
    sums = np.einsum("ija,ia->ij", agreed, weights)
    others = among & ~np.eye(len(sums), dtype=bool)
    return np.array([np.median(row[mask]) if mask.any() else 0.0 for row, mask in zip(sums, others, strict=True)])


def centrality(
    codes: np.ndarray,
    kl: np.ndarray,
    seed: int,
    *,
    bins: int = 10,
    batch: int = 64,
    votes: int = 40,
    kl_threshold: float = UDR_INACTIVE_KL,
) -> np.ndarray:
    """ModelCentrality, from codes: how well a model's latents tell which latent of another model was held.

    Lin et al., InfoGAN-CR and ModelCentrality (arXiv 1906.06034): B_ij is the FactorVAE score of model i with the
    latents of model j for factors, a model's centrality the mean over j of (B_ij + B_ji) / 2. There, model j draws
    images with one latent held; here, a latent is held by taking points of one of its bins of equally many points, so
    that no image is drawn. Models that all have one latent in use agree perfectly: as UDR it prefers them.

    Args:
      codes: posterior means of the same points, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      seed: of the points drawn.
      bins: of each latent that is held.
      batch: points a vote.
      votes: for each latent that is held.
      kl_threshold: a latent whose KL is not above it is neither held nor votes.

    Returns:
      [models], in [0, 1]; 0 for a model without a latent in use.
    """
    live, scores = kl > kl_threshold, np.zeros((len(codes), len(codes)))
    variances = codes.var(axis=1)
    for j, (held, used) in enumerate(zip(codes, live, strict=True)):
        latents = np.flatnonzero(used)
        if not len(latents):
            continue
        random = generator(seed, "centrality", j)
        won = np.stack([_votes(codes, variances, live, held[:, k], bins, batch, votes, random) for k in latents])
        counts = np.stack([(won == winner).sum(axis=2) for winner in range(codes.shape[2])], axis=-1)
        scores[:, j] = counts.max(axis=0).sum(axis=-1) / won[:, 0].size * live.any(axis=1)
    scores = (scores + scores.T) / 2
    np.fill_diagonal(scores, 0.0)
    return scores.sum(axis=1) / max(1, len(codes) - 1)


def _votes(codes, variances, live, held, bins, batch, votes, random) -> np.ndarray:
    """For each model the latent that varies least while another model's latent is held, [models, votes]."""
    places = np.array_split(np.argsort(held, kind="stable"), bins)
    found = []
    for _ in range(votes):
        points = random.choice(places[random.integers(bins)], batch)
        spread = codes[:, points].var(axis=1) / np.where(variances > 0, variances, 1.0)
        found.append(np.where(live, spread, np.inf).argmin(axis=1))
    return np.stack(found, axis=1)
