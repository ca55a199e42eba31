"""Step 1 of a reduction: which latents were learned, and their values as labels."""

from dataclasses import dataclass

import gin
import numpy as np

from rdl.errors import NonFiniteError, UserError
from rdl.posterior import LEARNED_KL, mean_kl_to_prior


@dataclass(frozen=True)
class LearnedLabels:
    """The learned latents of one model on one set of images.

    Attributes:
      values: posterior means of the learned latents, float32 [n, learned].
      latents: their numbers, ascending.
      kl: mean KL to the prior of every latent of the model, nats, [latents].
    """

    values: np.ndarray
    latents: tuple[int, ...]
    kl: tuple[float, ...]


@gin.configurable
def label(means: np.ndarray, log_variances: np.ndarray, kl_threshold: float = LEARNED_KL) -> LearnedLabels:
    """LearnedLabels every image with the latents that were learned: those whose mean KL passes the threshold.

    A latent whose means are all equal is never a label, whatever its KL: it tells no two images apart.

    Args:
      means: posterior means, [n, latents].
      log_variances: posterior log variances, [n, latents].
      kl_threshold: nats; the default is the reference's.

    Raises:
      UserError: the arrays are not two tables of the same shape, or have no image.
      NonFiniteError: NaN or infinity in them.
    """
    means, log_variances = np.asarray(means), np.asarray(log_variances)
    if means.ndim != 2 or means.shape != log_variances.shape or not len(means):
        raise UserError(
            f"LearnedLabels need means and log variances of the same shape [n, latents] with n > 0, got {means.shape} "
            f"and {log_variances.shape}: pass one model's posterior parameters."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        kl = mean_kl_to_prior(means, log_variances)
    if not np.isfinite(kl).all():
        bad = np.flatnonzero(~np.isfinite(kl)).tolist()
        raise NonFiniteError(f"The posterior of latents {bad} holds NaN or infinity: no labels from it.")
    values = means.astype(np.float32)
    learned = np.flatnonzero((kl > kl_threshold) & (np.ptp(values, axis=0) > 0))
    return LearnedLabels(
        values=values[:, learned],
        latents=tuple(learned.tolist()),
        kl=tuple(kl.tolist()),
    )
