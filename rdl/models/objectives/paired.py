"""Weak supervision by pairs of images that share some factors; which factors, and their values, are unknown.

A batch holds pairs, rows 2i and 2i + 1; the last row of an odd batch has no partner and is left as it is. The latents
that a pair is assumed to share get one posterior, the average of the pair's two; then each image's latents are drawn,
and the loss is a beta-VAE's (Locatello et al. 2020, arXiv 2002.02886, section 4). There are two averages:

- the group VAE's (Hosoya 2019, arXiv 1809.02383): means and variances are averaged;
- the ML-VAE's (Bouchacourt et al. 2018, arXiv 1705.08841): the product of the two normals, so that precisions add up.

There are two choices of the shared latents: a fixed number of first latents (group VAE, ML-VAE), or the latents whose
posteriors differ by less than half-way between the pair's least and largest difference (the Ada variants).
"""

from collections.abc import Callable

import gin
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives.objective import ForwardPass, Objective, Terms, Values, kl, reconstruction

Moments = tuple[tf.Tensor, tf.Tensor]
"""Means and log variances, each [rows, latents]."""
Average = Callable[[Moments, Moments], Moments]
Shared = Callable[[Moments, Moments], tf.Tensor]
"""(first images' moments, second images' moments) -> which latents they share, bool [rows, latents]."""

_LOG_2 = 0.6931471805599453
_LARGEST_EXPONENT = 80.0  # e^80 is a float32


@gin.configurable
def ada_gvae(beta: float = 1.0, symmetric: bool = False) -> Objective:
    """Ada-GVAE (Locatello et al. 2020, section 4): a pair's posteriors determine which latents it shares.

    Args:
      beta: weight of the KL of the averaged posteriors.
      symmetric: compares posteriors by the mean of both KL divergences, not by KL(first || second) alone.
    """
    return _paired_vae("ada_gvae", beta, adaptively(symmetric), averaged)


@gin.configurable
def ada_mlvae(beta: float = 1.0, symmetric: bool = False, mean_precision: bool = False) -> Objective:
    """Ada-ML-VAE (Locatello et al. 2020, section 4): `ada_gvae` with the product of the posteriors.

    Args:
      beta: weight of the KL of the averaged posteriors.
      symmetric: as in `ada_gvae`.
      mean_precision: as in `ml_vae`.
    """
    return _paired_vae("ada_mlvae", beta, adaptively(symmetric), multiplied(mean_precision))


@gin.configurable
def group_vae(beta: float = 1.0, shared: int = 5) -> Objective:
    """Group VAE (Hosoya 2019): a pair shares the first latents; each image has its own others.

    Args:
      beta: weight of the KL of the averaged posteriors.
      shared: number of latents that a pair shares.
    """
    return _paired_vae("group_vae", beta, the_first(shared), averaged)


@gin.configurable
def ml_vae(beta: float = 1.0, shared: int = 5, mean_precision: bool = False) -> Objective:
    """ML-VAE (Bouchacourt et al. 2018, equation 3): `group_vae` with the product of the posteriors.

    Args:
      beta: weight of the KL of the averaged posteriors.
      shared: as in `group_vae`.
      mean_precision: as in disentanglement_lib's code, the precision is the mean of the two, not their sum.
    """
    return _paired_vae("ml_vae", beta, the_first(shared), multiplied(mean_precision))


def _paired_vae(name: str, beta: float, shared: Shared, average: Average) -> Objective:
    """loss = -log p(x|z) + beta KL(q~(z|x) || p(z)), mean over all images of all pairs; q~ is from `pairing`."""

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        return {"reconstruction": reconstruction(forward), "weighted_kl": hyperparameters["beta"] * kl(forward)}

    return Objective(name, terms, {"beta": beta}, pairing=pairing(shared, average))


def pairing(shared: Shared, average: Average) -> Callable[[DiagonalNormal], DiagonalNormal]:
    """A function that averages this replica's posteriors with their partners' in the latents that the pairs share."""

    def apply(posterior: DiagonalNormal) -> DiagonalNormal:
        own = replicas.gather(posterior.loc), replicas.gather(posterior.log_variance)  # two replicas may share a pair
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
    """The group VAE's average: mean (m + m') / 2, variance (v + v') / 2."""
    return 0.5 * (first[0] + second[0]), _log_sum(first[1], second[1]) - _LOG_2


def multiplied(mean_precision: bool) -> Average:
    """The ML-VAE's average: mean (m / v + m' / v') / (1 / v + 1 / v'), precision 1 / v + 1 / v' or half of it."""

    def average(first: Moments, second: Moments) -> Moments:
        weight = tf.sigmoid(second[1] - first[1])
        mean = weight * first[0] + (1.0 - weight) * second[0]
        return mean, -_log_sum(-first[1], -second[1]) + (_LOG_2 if mean_precision else 0.0)

    return average


def adaptively(symmetric: bool) -> Shared:
    """Shares the latents that differ by less than half-way between the pair's least and largest difference.

    d_k = KL(q(z_k|x) || q(z_k|x')); latent k is shared if d_k < (max d + min d) / 2, which the largest d_k never is.
    """

    def shared(first: Moments, second: Moments) -> tf.Tensor:
        difference = divergence(first, second)
        if symmetric:
            difference = 0.5 * (difference + divergence(second, first))
        least, most = (reduce(difference, axis=1, keepdims=True) for reduce in (tf.reduce_min, tf.reduce_max))
        return difference < least + 0.5 * (most - least)

    return shared


def the_first(count: int) -> Shared:
    """Shares the first `count` latents.

    Raises:
      UserError: `count` leaves no latent shared, or none unshared.
    """
    if count < 1:
        raise UserError(f"A pair must share at least 1 latent, got shared = {count}: set a larger one.")

    def shared(first: Moments, second: Moments) -> tf.Tensor:
        latents = first[0].shape[-1]
        if count >= latents:
            raise UserError(
                f"A pair can share 1 to {latents - 1} of the model's {latents} latents, got shared = {count}: set a "
                "smaller one, or a larger model.num_latents."
            )
        return tf.broadcast_to(tf.range(latents) < count, tf.shape(first[0]))

    return shared


def divergence(first: Moments, second: Moments) -> tf.Tensor:
    """KL(N(m, v) || N(m', v')) in nats, elementwise; no gradient passes."""
    (mean, log_variance), (mean_2, log_variance_2) = first, second
    ratio = tf.exp(tf.minimum(log_variance - log_variance_2, _LARGEST_EXPONENT))
    distance = tf.square(mean - mean_2) * tf.exp(-log_variance_2)
    return tf.stop_gradient(0.5 * (ratio + distance - 1.0 + log_variance_2 - log_variance))


def _log_sum(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """log(e^a + e^b), elementwise."""
    return tf.reduce_logsumexp(tf.stack([a, b]), axis=0)
