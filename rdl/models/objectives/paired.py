"""Weak supervision: pairs of images that share some of their factors, though nobody says which or with what values.

A batch holds pairs, rows 2i and 2i + 1; the last row of an odd batch is alone, and nothing is done to it. In the
latents that a pair is taken to share, both images get one posterior, the average of their two; then each image's
latents are drawn, and the loss is a beta-VAE's (Locatello et al. 2020, arXiv 2002.02886, section 4). Two averages:

- the group VAE's (Hosoya 2019, arXiv 1809.02383): means and variances are averaged;
- the ML-VAE's (Bouchacourt et al. 2018, arXiv 1705.08841): the product of the two normals, so that precisions add up.

And two ways to know what is shared: the first so many latents (group VAE, ML-VAE), or those whose posteriors differ by
less than half-way between the pair's least and largest difference (the Ada variants).
"""

from collections.abc import Callable

import gin
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives.objective import Batch, Objective, Terms, Values, kl, reconstruction

Moments = tuple[tf.Tensor, tf.Tensor]
"""Means and log variances, each [rows, latents]."""
Average = Callable[[Moments, Moments], Moments]
Shared = Callable[[Moments, Moments], tf.Tensor]
"""Which latents the first and the second images of pairs share, bool [rows, latents]."""

_LOG_2 = 0.6931471805599453
_LARGEST_EXPONENT = 80.0  # e^80 is a float32


@gin.configurable
def ada_gvae(beta: float = 1.0, symmetric: bool = False) -> Objective:
    """Ada-GVAE (Locatello et al. 2020, section 4): which latents a pair shares is read off its posteriors.

    Args:
      beta: weight of the KL of the averaged posteriors.
      symmetric: posteriors are compared by the mean of both KLs, not by that of the first from the second alone.
    """
    return _paired_vae("ada_gvae", beta, adaptively(symmetric), averaged)


@gin.configurable
def ada_mlvae(beta: float = 1.0, symmetric: bool = False, mean_precision: bool = False) -> Objective:
    """Ada-ML-VAE (Locatello et al. 2020, section 4): as `ada_gvae`, by the product of the posteriors.

    Args:
      beta: weight of the KL of the averaged posteriors.
      symmetric: as in `ada_gvae`.
      mean_precision: as in `ml_vae`.
    """
    return _paired_vae("ada_mlvae", beta, adaptively(symmetric), multiplied(mean_precision))


@gin.configurable
def group_vae(beta: float = 1.0, shared: int = 5) -> Objective:
    """Group VAE (Hosoya 2019): the first latents are the pair's, the others each image's own.

    Args:
      beta: weight of the KL of the averaged posteriors.
      shared: how many latents are the pair's.
    """
    return _paired_vae("group_vae", beta, the_first(shared), averaged)


@gin.configurable
def ml_vae(beta: float = 1.0, shared: int = 5, mean_precision: bool = False) -> Objective:
    """ML-VAE (Bouchacourt et al. 2018, equation 3): as `group_vae`, by the product of the posteriors.

    Args:
      beta: weight of the KL of the averaged posteriors.
      shared: as in `group_vae`.
      mean_precision: the mean of the two precisions where the product has their sum, as in disentanglement_lib's code.
    """
    return _paired_vae("ml_vae", beta, the_first(shared), multiplied(mean_precision))


def _paired_vae(name: str, beta: float, shared: Shared, average: Average) -> Objective:
    """loss = -log p(x|z) + beta KL(q~(z|x) || p(z)), mean over all images of all pairs; q~ as `pairing` makes it."""

    def terms(batch: Batch, hyperparameters: Values) -> Terms:
        return {"reconstruction": reconstruction(batch), "weighted_kl": hyperparameters["beta"] * kl(batch)}

    return Objective(name, terms, {"beta": beta}, pairing=pairing(shared, average))


def pairing(shared: Shared, average: Average) -> Callable[[DiagonalNormal], DiagonalNormal]:
    """Of this replica's posteriors the same, averaged with their partners' in the latents that their pairs share."""

    def apply(posterior: DiagonalNormal) -> DiagonalNormal:
        own = replicas.gather(posterior.loc), replicas.gather(posterior.log_variance)  # a pair may lie on two replicas
        row = tf.range(tf.shape(own[0])[0])
        partner = tf.minimum(tf.bitwise.bitwise_xor(row, 1), tf.size(row) - 1)
        other = tf.gather(own[0], partner), tf.gather(own[1], partner)
        is_first, is_alone = (row % 2 == 0)[:, None], (partner == row)[:, None]
        first = tuple(tf.where(is_first, mine, its) for mine, its in zip(own, other, strict=True))
        second = tuple(tf.where(is_first, its, mine) for mine, its in zip(own, other, strict=True))
        taken = shared(first, second) & ~is_alone
        means, log_variances = (
            tf.where(taken, both, mine) for both, mine in zip(average(first, second), own, strict=True)
        )
        return DiagonalNormal(
            replicas.scatter(means, posterior.loc), replicas.scatter(log_variances, posterior.log_variance)
        )

    return apply


def averaged(first: Moments, second: Moments) -> Moments:
    """The group VAE's: mean (m + m') / 2, variance (v + v') / 2."""
    return 0.5 * (first[0] + second[0]), _log_sum(first[1], second[1]) - _LOG_2


def multiplied(mean_precision: bool) -> Average:
    """The ML-VAE's: mean (m / v + m' / v') / (1 / v + 1 / v'), precision 1 / v + 1 / v' or half of it."""

    def average(first: Moments, second: Moments) -> Moments:
        weight = tf.sigmoid(second[1] - first[1])
        mean = weight * first[0] + (1.0 - weight) * second[0]
        return mean, -_log_sum(-first[1], -second[1]) + (_LOG_2 if mean_precision else 0.0)

    return average


def adaptively(symmetric: bool) -> Shared:
    """The latents that differ by less than half-way between the pair's least and largest difference.

    d_k = KL(q(z_k|x) || q(z_k|x')); shared where d_k < (max d + min d) / 2, so never the one that differs most.
    """

    def shared(first: Moments, second: Moments) -> tf.Tensor:
        difference = divergence(first, second)
        if symmetric:
            difference = 0.5 * (difference + divergence(second, first))
        least, most = (edge(difference, axis=1, keepdims=True) for edge in (tf.reduce_min, tf.reduce_max))
        return difference < least + 0.5 * (most - least)

    return shared


def the_first(count: int) -> Shared:
    """The first `count` latents.

    Raises:
      UserError: none is shared, or none is left.
    """
    if count < 1:
        raise UserError(f"A pair shares at least 1 latent, got shared = {count}; set a larger one.")

    def shared(first: Moments, second: Moments) -> tf.Tensor:
        latents = first[0].shape[-1]
        if count >= latents:
            raise UserError(
                f"Of the model's {latents} latents a pair shares 1 to {latents - 1}, got shared = {count}: set a "
                "smaller one, or a larger model.num_latents."
            )
        return tf.broadcast_to(tf.range(latents) < count, tf.shape(first[0]))

    return shared


def divergence(first: Moments, second: Moments) -> tf.Tensor:
    """KL(N(m, v) || N(m', v')) in nats, elementwise; no gradient goes through it."""
    (mean, log_variance), (mean_2, log_variance_2) = first, second
    ratio = tf.exp(tf.minimum(log_variance - log_variance_2, _LARGEST_EXPONENT))
    distance = tf.square(mean - mean_2) * tf.exp(-log_variance_2)
    return tf.stop_gradient(0.5 * (ratio + distance - 1.0 + log_variance_2 - log_variance))


def _log_sum(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """log(e^a + e^b), elementwise."""
    return tf.reduce_logsumexp(tf.stack([a, b]), axis=0)
