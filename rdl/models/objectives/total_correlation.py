"""Densities of the aggregate posterior q(z) = mean over the data of q(z | x), estimated from one batch."""

import tensorflow as tf

from rdl.models.distributions import normal_log_prob
from rdl.models.finite import check_finite


def minibatch_weighted_log_densities(
    latents: tf.Tensor, means: tf.Tensor, log_variances: tf.Tensor, dataset_size: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """log q(z) and log prod_k q(z_k) by minibatch-weighted sampling (Chen et al. 2018, appendix C.1).

        log q(z_i)          ~ logsumexp_j sum_k log q(z_ik | x_j) - log(M N)
        log prod_k q(z_ik)  ~ sum_k [logsumexp_j log q(z_ik | x_j) - log(M N)]

    Args:
      latents: samples z_i, [rows, latents].
      means: of q(z | x_j) for the M images of the whole batch, [batch, latents].
      log_variances: of q(z | x_j), [batch, latents].
      dataset_size: N, a scalar.

    Returns:
      (log q(z_i), log prod_k q(z_ik)), each [rows], in nats.
    """
    log_q = normal_log_prob(latents[:, None], means[None], log_variances[None])  # [rows, batch, latents]
    batch_size = tf.cast(tf.shape(means)[0], latents.dtype)
    log_weight = tf.math.log(batch_size) + tf.math.log(tf.cast(dataset_size, latents.dtype))
    log_qz = tf.reduce_logsumexp(tf.reduce_sum(log_q, axis=2), axis=1) - log_weight
    log_prod_qz = tf.reduce_sum(tf.reduce_logsumexp(log_q, axis=1) - log_weight, axis=1)
    return check_finite("log q(z)", log_qz), check_finite("log prod q(z_k)", log_prod_qz)
