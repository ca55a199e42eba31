"""FactorVAE: a discriminator estimates the total correlation (Kim and Mnih 2018)."""

from dataclasses import dataclass

import gin
import keras
import tensorflow as tf
from keras import layers

from rdl.config.ranges import Count, Units
from rdl.models import replicas
from rdl.models.finite import check_finite
from rdl.models.objectives.objective import ForwardPass, Objective, Terms, kl, reconstruction
from rdl.models.vae import VAE, VAE_PLAYER, Player


@dataclass(frozen=True)
class FactorObjective(Objective):
    """The objective of a `FactorVAE`.

    Attributes:
      halved_updates: as in `factor_vae`.
    """

    halved_updates: bool = False


@gin.configurable
def factor_vae(gamma: float = 10.0, halved_updates: bool = False) -> FactorObjective:
    """FactorVAE: loss = -log p(x|z) + KL + gamma (logit_joint - logit_independent).

    Args:
      gamma: weight of the total correlation.
      halved_updates: True imitates dlib, which counts the updates of VAE and discriminator in one counter, so that its
        VAE makes half of the requested updates; False makes all of them.
    """

    def terms(forward: ForwardPass, hyperparameters) -> Terms:
        return {"reconstruction": reconstruction(forward), "kl": kl(forward)}

    def model(encoder: keras.Model, decoder: keras.Model, objective: FactorObjective) -> FactorVAE:
        return FactorVAE(encoder, decoder, objective, fc_discriminator(decoder.input_shape[-1]))

    return FactorObjective("factor_vae", terms, {"gamma": gamma}, halved_updates, model=model)


@gin.configurable
def fc_discriminator(num_latents: int, depth: Count = 6, width: Units = 1000) -> keras.Model:
    """dlib's discriminator: dense layers with leaky ReLU (slope 0.2), then the logits of (joint, independent)."""
    latents = keras.Input((num_latents,))
    hidden = latents
    for i in range(depth):
        hidden = layers.Dense(width, name=f"dense_{i}")(hidden)
        hidden = layers.LeakyReLU(negative_slope=0.2, name=f"leaky_relu_{i}")(hidden)
    return keras.Model(latents, layers.Dense(2, name="logits")(hidden), name="discriminator")


class FactorVAE(VAE):
    """A VAE with a discriminator between its latents and the same latents, each shuffled over the batch.

    Both learn from the same sample in one update. The discriminator has its own Adam, with dlib's settings.

    Args:
      encoder: as in `VAE`.
      decoder: as in `VAE`.
      objective: from `factor_vae`.
      discriminator: latents [batch, latents] -> logits [batch, 2] of (joint, independent).
    """

    def __init__(self, encoder, decoder, objective: FactorObjective, discriminator: keras.Model):
        super().__init__(encoder, decoder, objective)
        self.discriminator = discriminator

    def losses(self, images, seed, updates, dataset_size, hyperparameters, labels=None) -> dict[str, Terms]:
        """Terms of the VAE and of the discriminator."""
        forward = self.forward(images, seed, updates, dataset_size)
        shuffled = permuted_latents(forward.latents, tf.random.experimental.stateless_fold_in(seed, 1))
        joint, independent = (
            check_finite("the discriminator's logits", tf.cast(self.discriminator(latents), tf.float32))
            for latents in (forward.latents, shuffled)
        )
        log_ratio = replicas.share_of_mean(joint[:, 0] - joint[:, 1])
        vae_terms = self.terms(forward, hyperparameters, labels)
        return {
            VAE_PLAYER: vae_terms | {"weighted_total_correlation": hyperparameters["gamma"] * log_ratio},
            "discriminator": {"discriminator": discriminator_loss(joint, independent)},
        }

    @property
    def counts_per_update(self) -> int:
        """Two if dlib's counter is imitated."""
        return 2 if self.objective.halved_updates else 1  # type: ignore[attr-defined]

    def players(self) -> dict[str, Player]:
        """The VAE at the trainer's learning rate, the discriminator by Adam(1e-4, 0.5, 0.9)."""
        return {
            VAE_PLAYER: Player(self.encoder.trainable_variables + self.decoder.trainable_variables),
            "discriminator": Player(self.discriminator.trainable_variables, 1e-4, 0.5, 0.9),
        }


def permuted_latents(latents: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shuffles each latent over the whole batch by a permutation of its own: a sample of prod_k q(z_k).

    Args:
      latents: [rows, latents].
      seed: int32 [2].

    Returns:
      [rows, latents]; no gradient passes.
    """
    everything = tf.transpose(replicas.gather(tf.stop_gradient(latents)))  # [latents, batch]
    keys = replicas.random_bits(tf.shape(everything), seed)
    shuffled = tf.gather(everything, tf.argsort(keys, axis=1), axis=1, batch_dims=1)
    return replicas.scatter(tf.transpose(shuffled), latents)


def discriminator_loss(joint: tf.Tensor, independent: tf.Tensor) -> tf.Tensor:
    """Cross entropy of classifying latents as joint (class 0) or independent (class 1).

    Args:
      joint: logits [rows, 2] of sampled latents.
      independent: logits [rows, 2] of shuffled latents.
    """
    log_joint = tf.nn.log_softmax(joint)[:, 0]
    log_independent = tf.nn.log_softmax(independent)[:, 1]
    return -0.5 * replicas.share_of_mean(log_joint + log_independent)
