"""What a VAE minimises: named terms whose sum is the loss.

Every number that a search may want to change is in `Objective.hyperparameters` and reaches the terms as a tensor,
so that changing it costs no retracing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import gin
import tensorflow as tf

from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal, kl_to_prior, prior
from rdl.models.total_correlation import minibatch_weighted_log_densities

Terms = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Batch:
    """What the terms are computed from; the rows of a batch that this replica holds."""

    posterior: DiagonalNormal  # q(z | x), [batch, latents]
    latents: tf.Tensor  # one sample of each posterior, [batch, latents]
    log_likelihood: tf.Tensor  # log p(x | z), [batch]
    step: tf.Tensor  # scalar, counts updates
    dataset_size: tf.Tensor  # scalar


@dataclass(frozen=True)
class Objective:
    """A loss by name, the terms it is the sum of, and its hyperparameters with default values."""

    name: str
    terms: Callable[[Batch, Mapping[str, tf.Tensor]], Terms]
    hyperparameters: dict[str, float] = field(default_factory=dict)

    def __call__(
        self,
        posterior: DiagonalNormal,
        latents: tf.Tensor,
        log_likelihood: tf.Tensor,
        step: tf.Tensor,
        dataset_size: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
    ) -> Terms:
        """The terms, scalars: this replica's shares of means over the batch."""
        return self.terms(Batch(posterior, latents, log_likelihood, step, dataset_size), hyperparameters)


def reconstruction(batch: Batch) -> tf.Tensor:
    """-log p(x | z), mean over the batch, in nats per image."""
    return replicas.share_of_mean(-batch.log_likelihood)


def kl(batch: Batch) -> tf.Tensor:
    """KL(q(z | x) || p(z)), mean over the batch, in nats per image."""
    per_latent = kl_to_prior(batch.posterior.loc, batch.posterior.log_variance)
    return replicas.share_of_mean(tf.reduce_sum(per_latent, axis=1))


@gin.configurable
def beta_tc_vae(beta: float = 6.0) -> Objective:
    """beta-TCVAE (Chen et al. 2018, equation 4): the total correlation of q(z) weighs beta times.

    loss = -log p(x|z) + (log q(z|x) - log q(z)) + beta (log q(z) - log prod_k q(z_k)) + (log prod_k q(z_k) - log p(z))
    """

    def terms(batch: Batch, hyperparameters) -> Terms:
        log_q_z_given_x = batch.posterior.log_prob(batch.latents)
        log_p_z = prior(batch.latents.shape[1]).log_prob(batch.latents)
        log_q_z, log_prod_q_z = minibatch_weighted_log_densities(
            batch.latents,
            replicas.gather(batch.posterior.loc),
            replicas.gather(batch.posterior.log_variance),
            batch.dataset_size,
        )
        return {
            "reconstruction": reconstruction(batch),
            "mutual_information": replicas.share_of_mean(log_q_z_given_x - log_q_z),
            "total_correlation": hyperparameters["beta"] * replicas.share_of_mean(log_q_z - log_prod_q_z),
            "dimension_wise_kl": replicas.share_of_mean(log_prod_q_z - log_p_z),
        }

    return Objective("beta_tc_vae", terms, {"beta": beta})


@gin.configurable
def vae(beta: float = 1.0) -> Objective:
    """beta-VAE (Higgins et al. 2017, equation 4): loss = -log p(x|z) + beta KL(q(z|x) || p(z))."""

    def terms(batch: Batch, hyperparameters) -> Terms:
        return {"reconstruction": reconstruction(batch), "kl": hyperparameters["beta"] * kl(batch)}

    return Objective("vae", terms, {"beta": beta})
