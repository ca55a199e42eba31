"""What UDR gives models by chance: the same codes, each model's active latents rotated at random.

A rotation keeps what a model knows and how many latents it uses, and takes away that its axes mean something. With one
active latent there is nothing to rotate, so chance is the score itself.
"""

import numpy as np

from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

_LEAST_ROOM = 0.01  # less is the rounding of one latent on which the models agree; two latents leave 0.29


def of_rotated(
    means: np.ndarray, kl: np.ndarray, correlation: str, kl_threshold: float, seed: int, draws: int
) -> np.ndarray:
    """Each model's UDR once all models are rotated, [models], the mean over draws.

    Args:
      means: posterior means, [models, n, latents].
      kl: mean KL to the prior, [models, latents], nats.
      correlation, kl_threshold: as in ``udr.score``.
      seed: of the rotations: models with as many active latents are rotated alike wherever the seed is the same.
      draws: how many rotations.
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


def reachable(means: np.ndarray, kl: np.ndarray, correlation: str, kl_threshold: float) -> np.ndarray:
    """Each model's UDR beside its own copy, [models]: 0.9 with the lasso, which shrinks, and 0 without a latent.

    Spearman's correlations of unlike latents are never quite 0 on finite points: with ten latents it is 0.8.
    """
    pairs = ((means[[model, model]], kl[[model, model]]) for model in range(len(means)))
    scores = [udr.score(*pair, correlation, kl_threshold, mode="fixed")["model_scores"][0] for pair in pairs]
    return np.array(scores)


def corrected(scores: np.ndarray, chance: np.ndarray, reachable: np.ndarray) -> np.ndarray:
    """(score - chance) / (reachable - chance), [models]: 1 for the same latents, about 0 for rotated ones.

    This is how the adjusted Rand index and kappa are corrected. Where chance leaves no room (all models have one
    latent and agree) nothing can be told from chance: 0.
    """
    room = reachable - chance
    return np.divide(scores - chance, room, out=np.zeros_like(room), where=room > _LEAST_ROOM)


def _rotation(size: int, random: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix, each as likely as any other (Mezzadri, arXiv math-ph/0609050)."""
    basis, upper = np.linalg.qr(random.standard_normal((size, size)))
    return basis * np.where(np.diag(upper) < 0, -1.0, 1.0)
