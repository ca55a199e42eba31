"""UDR by chance: the UDR of the same codes after random rotations of each model's active latents.

A rotation keeps the information of a model and its number of active latents, and removes the meaning of its axes. With
one active latent there is nothing to rotate, so chance equals the score.
"""

import numpy as np

from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

_SMALLEST_RANGE = 0.01  # smaller differences are rounding for one common latent; with two latents it is 0.29


def rotated_udr(
    means: np.ndarray, kl: np.ndarray, correlation: str, kl_threshold: float, seed: int, draws: int
) -> np.ndarray:
    """Each model's UDR after rotations of all models, [models], averaged over draws.

    Args:
      means: posterior means, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      correlation, kl_threshold: as in ``udr.score``.
      seed: of the rotations; a model's rotation depends on the seed, its index and its number of active latents.
      draws: number of rotations.
    """
    means, live = means.astype(np.float64), kl > kl_threshold
    scores = []
    for draw in range(draws):
        rotated = means.copy()
        for model, active in enumerate(live):
            codes = means[model][:, active]
            spread = codes.std(axis=0)
            codes = (codes - codes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
            rotation = _rotation(int(active.sum()), generator(seed, "chance", draw, model, int(active.sum())))
            rotated[model][:, active] = codes @ rotation
        scores.append(udr.score(rotated, kl, correlation, kl_threshold, mode="fixed")["model_scores"])
    return np.mean(scores, axis=0)


def reachable_udr(means: np.ndarray, kl: np.ndarray, correlation: str, kl_threshold: float) -> np.ndarray:
    """UDR of each model and its own copy, [models]: 0.9 with the lasso, which shrinks; 0 without an active latent.

    Spearman correlations of independent latents are not exactly 0 on finitely many points: with ten latents it is 0.8.
    """
    pairs = ((means[[model, model]], kl[[model, model]]) for model in range(len(means)))
    scores = [udr.score(*pair, correlation, kl_threshold, mode="fixed")["model_scores"][0] for pair in pairs]
    return np.array(scores)


def correct_for_chance(scores: np.ndarray, chance: np.ndarray, reachable: np.ndarray) -> np.ndarray:
    """(score - chance) / (reachable - chance), [models]: 1 for the same latents, about 0 for rotated ones.

    The adjusted Rand index and Cohen's kappa are corrected in this way. If chance reaches the maximum, as for models
    with one common latent, the score is 0.
    """
    span = reachable - chance
    return np.divide(scores - chance, span, out=np.zeros_like(span), where=span > _SMALLEST_RANGE)


def _rotation(size: int, random: np.random.Generator) -> np.ndarray:
    """A uniformly distributed random orthogonal matrix (Mezzadri, arXiv math-ph/0609050)."""
    basis, upper = np.linalg.qr(random.standard_normal((size, size)))
    return basis * np.where(np.diag(upper) < 0, -1.0, 1.0)
