"""Posteriors as numpy arrays: their KL to the prior, the KL thresholds of the project, and encoding in batches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

UDR_INACTIVE_KL = 0.01
"""UDR leaves out latents whose mean KL to the prior, in nats, is at most this (Duan et al., arXiv 1905.12614)."""
VERDICT_INACTIVE_KL = 0.05
"""The verdict, the report and the pictures call a latent inactive if its mean KL to the prior, in nats, is lower.

It is larger than UDR's: a latent with 0.05 nats explains at most 1 - exp(-0.1) = 10 % of its own variance, too little
to see in a traversal.
"""
LEARNED_KL = 1.18817
"""A latent is learned, and becomes a label, if its mean KL to the prior, in nats, is higher.

This is the reference's threshold of 1.0 on the scale of the true KL. The reference uses abs(ln s), with s the standard
deviation of the posterior, in place of the log variance. For a latent that fills the prior (mean^2 = 1 - s^2 on
average) its estimate is

    0.5 (1 - s^2 + 1 / s + ln s - 1)

and the KL is -ln s. The estimate is 1.0 at s = 0.30478, where the KL is 1.18817 nats. The reference's 0.01 corresponds
to 0.0101 nats.
"""


def mean_kl_to_prior(means: np.ndarray, log_variances: np.ndarray) -> np.ndarray:
    """Mean over images of KL(N(mean, variance) || N(0, 1)) for each latent.

    0.5 (mean^2 + exp(log variance) - log variance - 1), in closed form for each image, then averaged (Kingma and
    Welling, arXiv 1312.6114, appendix B).

    Args:
      means: [n, latents], or [models, n, latents].
      log_variances: the same shape.

    Returns:
      float64 [latents] or [models, latents], nats.
    """
    if np.ndim(means) == 3:
        return np.stack([mean_kl_to_prior(*model) for model in zip(means, log_variances, strict=True)])
    means = np.asarray(means, np.float64)
    log_variances = np.asarray(log_variances, np.float64)
    return 0.5 * np.mean(means**2 + np.exp(log_variances) - log_variances - 1, axis=0)


def encode_in_batches(
    encode: Callable[[Any], Any], items: Sequence | np.ndarray, batch_size: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and log variances, each [n, latents], of n items encoded one batch after another.

    Args:
      encode: maps a slice of the items to a distribution with `loc` and `log_variance`.
      items: images or indices of images, at least one.
      batch_size: items encoded at once.
    """
    parts = [encode(items[start : start + batch_size]) for start in range(0, len(items), batch_size)]
    means, log_variances = ([np.asarray(getattr(part, name)) for part in parts] for name in ("loc", "log_variance"))
    return np.concatenate(means), np.concatenate(log_variances)
