"""Step 1 of a reduction: takes the learned latents of a model as labels."""

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
      latents: numbers of the learned latents, ascending.
      kl: mean KL to the prior of every latent of the model, nats, [latents].
    """

    values: np.ndarray
    latents: tuple[int, ...]
    kl: tuple[float, ...]


@gin.configurable
def label(means: np.ndarray, log_variances: np.ndarray, kl_threshold: float = LEARNED_KL) -> LearnedLabels:
    """Labels the images with the learned latents, those whose mean KL to the prior exceeds the threshold.

    A latent with constant means is never a label: it separates no two images.

    Args:
      means: posterior means, [n, latents].
      log_variances: posterior log variances, [n, latents].
      kl_threshold: nats. The default is the reference's threshold on the scale of the true KL.

    Raises:
      UserError: the arrays differ in shape, are not two-dimensional, or hold no image.
      NonFiniteError: the arrays hold NaN or infinity.
    """
    means, log_variances = np.asarray(means), np.asarray(log_variances)
    if means.ndim != 2 or means.shape != log_variances.shape or not len(means):
        raise UserError(
            f"label: expected means and log variances of the same shape [n, latents] with n > 0, received "
            f"{means.shape} and {log_variances.shape}; pass one model's posterior parameters."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        kl = mean_kl_to_prior(means, log_variances)
    if not np.isfinite(kl).all():
        bad = np.flatnonzero(~np.isfinite(kl)).tolist()
        raise NonFiniteError(f"label: expected finite posteriors, received NaN or infinity in latents {bad}.")
    values = means.astype(np.float32)
    learned = np.flatnonzero((kl > kl_threshold) & (np.ptp(values, axis=0) > 0))
    return LearnedLabels(
        values=values[:, learned],
        latents=tuple(learned.tolist()),
        kl=tuple(kl.tolist()),
    )
