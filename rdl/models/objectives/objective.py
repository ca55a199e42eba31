"""The objectives of VAEs: named terms whose sum is the loss. A term named ``weighted_..`` includes its weight.

Every number that a search may change is in `Objective.hyperparameters` and reaches the terms as a tensor, so that
changing it does not retrace the graph.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import gin
import tensorflow as tf

from rdl.config.ranges import Between
from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal, kl_to_prior, prior_like
from rdl.models.objectives.total_correlation import minibatch_weighted_log_densities

Terms = dict[str, tf.Tensor]
Values = Mapping[str, tf.Tensor]
Supervision = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""(posterior means [rows, latents], labels [rows, factors]) -> this replica's share of the supervised loss."""


@dataclass(frozen=True)
class ForwardPass:
    """The model's outputs for the rows of a batch that this replica holds, from which the terms are computed."""

    posterior: DiagonalNormal  # q(z | x), [batch, latents]
    latents: tf.Tensor  # one sample of each posterior, [batch, latents]
    log_likelihood: tf.Tensor  # log p(x | z), [batch]
    updates: tf.Tensor  # int32 scalar, updates made since the weights were drawn
    dataset_size: tf.Tensor  # float32 scalar


BatchSupervision = Callable[[ForwardPass, tf.Tensor, Values], Terms]
"""(forward pass, labels of its rows [rows, labels], hyperparameters) -> loss terms."""


@dataclass(frozen=True)
class Objective:
    """A loss as a sum of terms.

    Attributes:
      name: of the loss.
      terms: (forward pass, hyperparameters) -> terms, scalars: this replica's shares of means over the batch. Terms are
        recorded under their names. A term that a hyperparameter multiplies is called ``weighted_..``, so that ``kl`` is
        always nats of KL.
      hyperparameters: names and default values.
      pairing: for batches of pairs, rows 2i and 2i + 1: maps the posteriors of the batch to those that latents are
        drawn from (see `paired`).
      supervision: for batches that come with labelled images: the supervised loss, which is added ``gamma_sup`` times
        (see `supervised`).
      batch_supervision: for batches whose images have labels: terms that are added for them (see `pooled_labels`).
      model: (encoder, decoder, objective) -> the VAE that computes the loss, if not a plain `VAE`.
    """

    name: str
    terms: Callable[[ForwardPass, Values], Terms]
    hyperparameters: dict[str, float] = field(default_factory=dict)
    pairing: Callable[[DiagonalNormal], DiagonalNormal] | None = field(default=None, kw_only=True)
    supervision: Supervision | None = field(default=None, kw_only=True)
    batch_supervision: BatchSupervision | None = field(default=None, kw_only=True)
    model: Callable[..., Any] | None = field(default=None, kw_only=True)


def reconstruction(forward: ForwardPass) -> tf.Tensor:
    """-log p(x | z), mean over the batch, in nats per image."""
    return replicas.share_of_mean(-forward.log_likelihood)


def kl(forward: ForwardPass) -> tf.Tensor:
    """KL(q(z | x) || p(z)), mean over the batch, in nats per image."""
    per_latent = kl_to_prior(forward.posterior.loc, forward.posterior.log_variance)
    return replicas.share_of_mean(tf.reduce_sum(per_latent, axis=1))


@gin.configurable
def vae(beta: float = 1.0) -> Objective:
    """beta-VAE (Higgins et al. 2017, equation 4): loss = -log p(x|z) + beta KL(q(z|x) || p(z))."""

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        return {"reconstruction": reconstruction(forward), "weighted_kl": hyperparameters["beta"] * kl(forward)}

    return Objective("vae", terms, {"beta": beta})


@gin.configurable
def annealed_vae(
    gamma: float = 1000.0, c_max: float = 25.0, iteration_threshold: Annotated[float, Between(1)] = 100_000
) -> Objective:
    """AnnealedVAE (Burgess et al. 2018, equation 8): loss = -log p(x|z) + gamma |KL(q(z|x) || p(z)) - C|.

    The capacity C, in nats, grows linearly from 0 to c_max over the first iteration_threshold updates.
    """

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        progress = tf.cast(forward.updates, forward.log_likelihood.dtype) / hyperparameters["iteration_threshold"]
        capacity = hyperparameters["c_max"] * tf.minimum(progress, 1.0)
        distance = tf.abs(replicas.total(kl(forward)) - capacity)
        return {
            "reconstruction": reconstruction(forward),
            "weighted_distance_from_capacity": replicas.equal_share(hyperparameters["gamma"] * distance),
        }

    defaults = {"gamma": gamma, "c_max": c_max, "iteration_threshold": iteration_threshold}
    return Objective("annealed_vae", terms, defaults)


@gin.configurable
def dip_vae(lambda_od: float = 10.0, lambda_d_factor: float = 10.0, dip_type: str = "i") -> Objective:
    """DIP-VAE (Kumar et al. 2018): pulls the covariance S of the aggregate posterior towards the identity.

    loss = -log p(x|z) + KL + lambda_od sum_{i != j} S_ij^2 + lambda_od lambda_d_factor sum_i (S_ii - 1)^2

    Args:
      lambda_od: weight of the squares off the diagonal.
      lambda_d_factor: weight of the squares on the diagonal, in units of lambda_od.
      dip_type: "i": S is the covariance of the posterior means (equation 6); "ii": S adds the mean posterior variance
        (equation 7).
    """
    if dip_type not in ("i", "ii"):
        raise UserError(f"dip_vae.dip_type must be 'i' or 'ii', got {dip_type!r}; set it to one of them.")

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        covariance = _aggregate_covariance(forward.posterior, dip_type)
        diagonal = tf.linalg.diag_part(covariance)
        on_diagonal = tf.reduce_sum(_square(diagonal - 1.0))
        off_diagonal = tf.reduce_sum(_square(covariance - tf.linalg.diag(diagonal)))
        lambda_d = hyperparameters["lambda_od"] * hyperparameters["lambda_d_factor"]
        return {
            "reconstruction": reconstruction(forward),
            "kl": kl(forward),
            "weighted_off_diagonal": replicas.equal_share(hyperparameters["lambda_od"] * off_diagonal),
            "weighted_diagonal": replicas.equal_share(lambda_d * on_diagonal),
        }

    return Objective("dip_vae", terms, {"lambda_od": lambda_od, "lambda_d_factor": lambda_d_factor})


def _square(values: tf.Tensor) -> tf.Tensor:
    """values^2, continued beyond 1e6 by its tangent, since the square of a variance of e^60 overflows in float32."""
    near = tf.clip_by_value(values, -1e6, 1e6)
    return near * (2.0 * values - near)


def _aggregate_covariance(posterior: DiagonalNormal, dip_type: str) -> tf.Tensor:
    """Covariance over the whole batch of the posterior means ("i") or of the posterior samples ("ii")."""
    means = replicas.gather(posterior.loc)
    centered = means - tf.reduce_mean(means, axis=0)
    size = tf.cast(tf.shape(means)[0], means.dtype)
    covariance = tf.matmul(centered, centered, transpose_a=True) / size
    if dip_type == "ii":
        variances = tf.exp(replicas.gather(posterior.log_variance))
        covariance += tf.linalg.diag(tf.reduce_mean(variances, axis=0))
    return covariance


@gin.configurable
def beta_tc_vae(beta: float = 6.0, analytic_kl: bool = False) -> Objective:
    """beta-TCVAE (Chen et al. 2018, equation 4): the total correlation of q(z) weighs beta times.

    loss = -log p(x|z) + (log q(z|x) - log q(z)) + beta (log q(z) - log prod_k q(z_k)) + (log prod_k q(z_k) - log p(z))

    Args:
      beta: weight of the total correlation.
      analytic_kl: as in dlib, the loss is -log p(x|z) + KL + (beta - 1) (log q(z) - log prod_k q(z_k)). Its KL is in
        closed form instead of log q(z|x) - log p(z) at the sample; the two are equal in expectation.
    """

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        log_q_z, log_prod_q_z = minibatch_weighted_log_densities(
            forward.latents,
            replicas.gather(forward.posterior.loc),
            replicas.gather(forward.posterior.log_variance),
            forward.dataset_size,
        )
        total_correlation = replicas.share_of_mean(log_q_z - log_prod_q_z)
        if analytic_kl:
            return {
                "reconstruction": reconstruction(forward),
                "kl": kl(forward),
                "weighted_total_correlation": (hyperparameters["beta"] - 1.0) * total_correlation,
            }
        log_q_z_given_x = forward.posterior.log_prob(forward.latents)
        log_p_z = prior_like(forward.latents).log_prob(forward.latents)
        return {
            "reconstruction": reconstruction(forward),
            "mutual_information": replicas.share_of_mean(log_q_z_given_x - log_q_z),
            "weighted_total_correlation": hyperparameters["beta"] * total_correlation,
            "dimension_wise_kl": replicas.share_of_mean(log_prod_q_z - log_p_z),
        }

    return Objective("beta_tc_vae", terms, {"beta": beta})
