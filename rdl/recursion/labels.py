"""Step 1 of a reduction: which latents were learned, and their values as labels."""

from dataclasses import dataclass

import gin
import numpy as np

from rdl.errors import NonFiniteError, UserError


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


def mean_kl_to_prior(means: np.ndarray, log_variances: np.ndarray) -> np.ndarray:
    """Mean over images of KL(N(mean, variance) || N(0, 1)), per latent.

    0.5 (mean^2 + exp(log variance) - log variance - 1), in closed form for each image, then averaged (Kingma
    and Welling, arXiv 1312.6114, appendix B).

    Args:
      means: [n, latents].
      log_variances: [n, latents].

    Returns:
      float64 [latents], nats.
    """
    means = np.asarray(means, np.float64)
    log_variances = np.asarray(log_variances, np.float64)
    return 0.5 * np.mean(means**2 + np.exp(log_variances) - log_variances - 1, axis=0)


KL_THRESHOLD = 1.18817
"""The reference's threshold of 1.0 on the scale of the true KL, nats.

The reference puts abs(ln s), s the posterior's standard deviation, where the KL has the log variance. For a latent
that fills the prior (mean^2 = 1 - s^2 on average) its estimate is

    0.5 (1 - s^2 + 1 / s + ln s - 1)

where the KL is -ln s. The estimate is 1.0 at s = 0.30478, where the KL is 1.18817 nats; its 0.01 stands for 0.0101.
"""


@gin.configurable
def label(means: np.ndarray, log_variances: np.ndarray, kl_threshold: float = KL_THRESHOLD) -> LearnedLabels:
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
