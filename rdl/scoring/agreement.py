"""Replication of a model's latents by other models: candidate scores for model selection without labels.

UDR averages the agreement over a model's active latents, so a model with one latent on which all models agree has the
highest score. The sums here grow with the number of replicated latents. All functions take codes of the same points by
models of one data set.
"""

import numpy as np
from scipy import stats

from rdl.posterior import UDR_INACTIVE_KL
from rdl.seeds import generator


def agreement(codes: np.ndarray, kl: np.ndarray, kl_threshold: float = UDR_INACTIVE_KL) -> np.ndarray:
    """Agreement of latent a of model i with a single latent of model j: r_max^2 / sum_b r_b, r_b = |Spearman(a, b)|.

    This is one row of UDR's score (Duan et al., arXiv 1905.12614). It is 1 if one latent of j orders the points as a
    does and the others are independent of a, and 0 for inactive latents.

    Args:
      codes: posterior means of the same points, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      kl_threshold: latents whose KL is at most this are inactive.

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
    """Median over other models of a model's agreement, summed over its latents with weights, [models].

    Args:
      agreed: the result of `agreement`.
      weights: of the latents, [models, latents]: their KL to count replicated nats, 1 to count replicated latents.
      among: whether model i is compared with model j, bool [models, models]; a model is never compared with itself.

    Returns:
      0 for a model without models to compare with.
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
    """ModelCentrality, computed from codes: how well a model's latents identify the fixed latent of another model.

    Lin et al., InfoGAN-CR and ModelCentrality (arXiv 1906.06034): B_ij is the FactorVAE score of model i with the
    latents of model j as factors, and a model's centrality is the mean over j of (B_ij + B_ji) / 2. In the paper model
    j generates images with one latent fixed. Here a latent is fixed by selecting the points of one of its equal-count
    bins, so that no image is generated. Models with one active latent each agree perfectly: like UDR, centrality
    prefers them.

    Args:
      codes: posterior means of the same points, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      seed: of the points drawn.
      bins: number of bins of each fixed latent.
      batch: points per vote.
      votes: number of votes for each fixed latent.
      kl_threshold: latents whose KL is at most this are neither fixed nor vote.

    Returns:
      [models], in [0, 1]; 0 for a model without an active latent.
    """
    live, scores = kl > kl_threshold, np.zeros((len(codes), len(codes)))
    variances = codes.var(axis=1)
    for j, (fixed, active) in enumerate(zip(codes, live, strict=True)):
        latents = np.flatnonzero(active)
        if not len(latents):
            continue
        random = generator(seed, "centrality", j)
        won = np.stack([_votes(codes, variances, live, fixed[:, k], bins, batch, votes, random) for k in latents])
        counts = np.stack([(won == winner).sum(axis=2) for winner in range(codes.shape[2])], axis=-1)
        scores[:, j] = counts.max(axis=0).sum(axis=-1) / won[:, 0].size * live.any(axis=1)
    scores = (scores + scores.T) / 2
    np.fill_diagonal(scores, 0.0)
    return scores.sum(axis=1) / max(1, len(codes) - 1)


def _votes(codes, variances, live, fixed, bins, batch, votes, random) -> np.ndarray:
    """For each model the latent with the lowest variance while another model's latent is fixed, [models, votes]."""
    places = np.array_split(np.argsort(fixed, kind="stable"), bins)
    winners = []
    for _ in range(votes):
        points = random.choice(places[random.integers(bins)], batch)
        spread = codes[:, points].var(axis=1) / np.where(variances > 0, variances, 1.0)
        winners.append(np.where(live, spread, np.inf).argmin(axis=1))
    return np.stack(winners, axis=1)
