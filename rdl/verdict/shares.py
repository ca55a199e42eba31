"""Shares of the variance of one model's latents that another model's latents explain, singly and together.

All shares lie in [0, 1] and hold for relations of any shape, as a latent of another model may be reversed or bent.
"""

import numpy as np
from scipy.spatial import cKDTree

from rdl.seeds import generator

_BINS = 20
_NEIGHBOURS = 10
_ROTATIONS = 10


def by_one(codes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Share of the variance of each latent that each latent of another model explains alone, [latents, others].

    The correlation ratio Var(E[a | b]) / Var(a), b in bins of equally many points, less the share that bins of
    random points explain: the adjusted R^2 of a one-way analysis of variance.

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
    """Share of the variance of each latent that all latents of another model explain together, [latents].

    One half of the points predicts the other: each value by the mean of its nearest neighbours in the other model.

    Args:
      codes: posterior means, [n, latents].
      other: another model's, of the same points, each latent of variance 1, [n, others].
      seed: of the random halves.
    """
    if not other.shape[1]:
        return np.zeros(codes.shape[1])
    known, held_out = np.array_split(generator(seed, "verdict", "halves").permutation(len(codes)), 2)
    neighbours = min(_NEIGHBOURS, len(known))
    _, nearest = cKDTree(other[known]).query(other[held_out], k=neighbours)
    predicted = codes[known][nearest.reshape(len(held_out), neighbours)].mean(axis=1)
    error = np.square(codes[held_out] - predicted).sum(axis=0) / (1 + 1 / neighbours)  # a mean has noise of its own
    total = np.square(codes[held_out] - codes[held_out].mean(axis=0)).sum(axis=0)
    return np.clip(1 - np.divide(error, total, out=np.ones_like(total), where=total > 0), 0.0, 1.0)


def by_best(ones: np.ndarray, codes: np.ndarray, other: np.ndarray, seed: int) -> np.ndarray:
    """Share of the variance of each latent that the best latent of another model explains, corrected for chance.

    1 if one latent of the other model equals it, 0 if the best one explains no more than of a random direction.

    Args:
      ones: `by_one` of the codes.
      codes, other, seed: as in `by_chance`.

    Returns:
      [latents].
    """
    chance = by_chance(codes, other, seed)
    return (ones.max(axis=1, initial=0.0) - chance) / max(1 - chance, 0.01)


def by_chance(codes: np.ndarray, other: np.ndarray, seed: int) -> float:
    """Share of the variance of a random direction of this model that the best latent of another model explains.

    It is 0 for a single latent. For two latents rotated at random it is 0.82 on average, for five 0.5.

    Args:
      codes: posterior means, each latent of variance 1, [n, latents].
      other: another model's, of the same points, [n, others].
      seed: of the random directions.
    """
    latents = codes.shape[1]
    if latents < 2 or not other.shape[1]:
        return 0.0
    random = generator(seed, "verdict", "rotations", latents)
    turned = [codes @ np.linalg.qr(random.standard_normal((latents, latents)))[0] for _ in range(_ROTATIONS)]
    return float(by_one(np.concatenate(turned, axis=1), other).max(axis=1).mean())
