"""How much of one model's latents another model's latents tell: the best one of them alone, and all together.

All shares are of variance, in [0, 1], and hold for relations of any shape, as a latent of another model may run the
other way, or bend.
"""

import numpy as np
from scipy.spatial import cKDTree

from rdl.seeds import generator

_BINS = 20
_NEIGHBOURS = 10
_ROTATIONS = 10


def by_one(codes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Share of the variance of each latent that each latent of another model tells alone, [latents, others].

    The correlation ratio Var(E[a | b]) / Var(a), b in bins of equally many points, less what bins of random points
    would tell: the adjusted R^2 of a one-way analysis of variance.

    Args:
      codes: posterior means, [n, latents].
      other: another model's, of the same points, [n, others].
    """
    points = len(codes)
    bins = max(2, min(_BINS, points // 10))
    centred = codes.astype(np.float64) - codes.mean(axis=0)
    total = np.square(centred).sum(axis=0)
    found = np.zeros((codes.shape[1], other.shape[1]))
    for b, order in enumerate(np.argsort(other, axis=0, kind="stable").T):
        if np.ptp(other[:, b]) == 0:
            continue
        parts = np.array_split(centred[order], bins)
        between = np.sum([np.square(part.sum(axis=0)) / len(part) for part in parts], axis=0)
        share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
        found[:, b] = 1 - (1 - share) * (points - 1) / max(1, points - bins)
    return np.maximum(found, 0.0)


def by_all(codes: np.ndarray, other: np.ndarray, seed: int) -> np.ndarray:
    """Share of the variance of each latent that all latents of another model tell together, [latents].

    Half of the points predict the other half, each by the mean of its nearest in the other model's latents.

    Args:
      codes: posterior means, [n, latents].
      other: another model's, of the same points, each latent of variance 1, [n, others].
      seed: of the halves.
    """
    if not other.shape[1]:
        return np.zeros(codes.shape[1])
    known, asked = np.array_split(generator(seed, "verdict", "halves").permutation(len(codes)), 2)
    neighbours = min(_NEIGHBOURS, len(known))
    _, nearest = cKDTree(other[known]).query(other[asked], k=neighbours)
    predicted = codes[known][nearest.reshape(len(asked), neighbours)].mean(axis=1)
    wrong = np.square(codes[asked] - predicted).sum(axis=0) / (1 + 1 / neighbours)  # a mean has noise of its own
    total = np.square(codes[asked] - codes[asked].mean(axis=0)).sum(axis=0)
    return np.clip(1 - np.divide(wrong, total, out=np.ones_like(total), where=total > 0), 0.0, 1.0)


def by_chance(codes: np.ndarray, other: np.ndarray, seed: int) -> float:
    """What the best latent of another model tells of a direction of this model's space at random; 0 of a lone latent.

    Of two latents turned at random another model's best still tells 0.82 in the mean, of five 0.5.

    Args:
      codes: posterior means, each latent of variance 1, [n, latents].
      other: another model's, of the same points, [n, others].
      seed: of the directions.
    """
    latents = codes.shape[1]
    if latents < 2 or not other.shape[1]:
        return 0.0
    random = generator(seed, "verdict", "rotations", latents)
    turned = [codes @ np.linalg.qr(random.standard_normal((latents, latents)))[0] for _ in range(_ROTATIONS)]
    return float(by_one(np.concatenate(turned, axis=1), other).max(axis=1).mean())
