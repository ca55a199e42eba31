"""A variational autoencoder, and an ensemble of several trained on the same batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal, kl_to_prior
from rdl.models.finite import check_finite
from rdl.models.likelihoods import Likelihood, likelihood_of
from rdl.models.objectives.objective import ForwardPass, Objective, Terms

VAE_PLAYER = "vae"


@dataclass(frozen=True)
class Player:
    """Weights that minimise one loss by Adam.

    Attributes:
      variables: Keras variables.
      learning_rate: fixed; None: the trainer's.
      beta_1: decay of Adam's first moment.
      beta_2: decay of Adam's second moment.
    """

    variables: Sequence[keras.Variable]
    learning_rate: float | None = None
    beta_1: float = 0.9
    beta_2: float = 0.999


@keras.saving.register_keras_serializable("rdl")
class VAE(keras.Model):
    """An encoder, a decoder and the objective that they minimise.

    Args:
      encoder: images [batch, height, width, channels] in [0, 1] -> (means, log variances), each [batch, latents].
      decoder: latents [batch, latents] -> logits [batch, height, width, channels].
      objective: the loss.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, objective: Objective):
        super().__init__(name="vae")
        self.encoder, self.decoder, self.objective = encoder, decoder, objective

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return tuple(self.encoder.inputs[0].shape[1:])

    @property
    def num_latents(self) -> int:
        """Number of latents."""
        return self.decoder.inputs[0].shape[1]

    @property
    def likelihood(self) -> Likelihood:
        """p(x | z), parametrised by the decoder's logits."""
        return likelihood_of(self.decoder)

    @property
    def hyperparameters(self) -> dict[str, float]:
        """Names and default values of the objective's hyperparameters, which a search may change."""
        return dict(self.objective.hyperparameters)

    @property
    def takes_pairs(self) -> bool:
        """Whether rows 2i and 2i + 1 of a batch must be a pair."""
        return self.objective.pairing is not None

    @property
    def takes_labels(self) -> bool:
        """Whether each batch comes with labelled images."""
        return self.objective.supervision is not None

    @property
    def takes_batch_labels(self) -> bool:
        """Whether the images of a batch have labels."""
        return self.objective.batch_supervision is not None

    def encode(self, images: tf.Tensor, training: bool = False) -> DiagonalNormal:
        """q(z | x) for images [batch, height, width, channels] in [0, 1]; event shape [latents]."""
        mean, log_variance = self.encoder(images, training=training)
        check_finite("the posterior means", mean)
        check_finite("the posterior log variances", log_variance)
        return DiagonalNormal(tf.cast(mean, tf.float32), tf.cast(log_variance, tf.float32))

    def decode(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits that parametrise the likelihood, [batch, height, width, channels]."""
        return check_finite("the decoder's logits", tf.cast(self.decoder(latents, training=training), tf.float32))

    def forward(
        self,
        images: tf.Tensor,
        seed: tf.Tensor,
        updates: tf.Tensor,
        dataset_size: tf.Tensor,
        training: bool = True,
    ) -> ForwardPass:
        """Encodes images, draws one sample of each posterior, and computes log p(x | sample); arguments as `losses`."""
        posterior = self.encode(images, training)
        if training and self.objective.pairing is not None:
            posterior = self.objective.pairing(posterior)
        noise = check_finite("the noise", replicas.normal_like(posterior.loc, seed))
        latents = check_finite("the latents", posterior.loc + noise * tf.exp(0.5 * posterior.log_variance))
        logits = self.decode(latents, training)
        log_likelihood = check_finite("log p(x|z)", self.likelihood.distribution(logits).log_prob(images))
        return ForwardPass(posterior, latents, log_likelihood, updates, dataset_size)

    def losses(
        self,
        images: tf.Tensor,
        seed: tf.Tensor,
        updates: tf.Tensor,
        dataset_size: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        labels: tf.Tensor | None = None,
    ) -> dict[str, Terms]:
        """The loss terms of every player. A plain VAE has one player, whose weights are all of the model's.

        Args:
          images: float32 [rows, height, width, channels] in [0, 1], this replica's rows of the batch.
          seed: int32 [2], for the latent noise.
          updates: int32 scalar, updates made since the weights were drawn.
          dataset_size: float32 scalar, number of images in the training set.
          hyperparameters: scalars by the names in `self.hyperparameters`.
          labels: float32 [rows, labels], NaN where unknown; for an objective that takes labels of the batch.
        """
        forward = self.forward(images, seed, updates, dataset_size)
        return {VAE_PLAYER: self.terms(forward, hyperparameters, labels)}

    def terms(self, forward: ForwardPass, hyperparameters: Mapping[str, tf.Tensor], labels: tf.Tensor | None) -> Terms:
        """The objective's terms, with those for the labels of the batch."""
        terms = self.objective.terms(forward, hyperparameters)
        if self.objective.batch_supervision is None or labels is None:
            return terms
        return terms | self.objective.batch_supervision(forward, labels, hyperparameters)

    def supervised(self, images: tf.Tensor, labels: tf.Tensor, hyperparameters: Mapping[str, tf.Tensor]) -> Terms:
        """The supervised term that labelled images add to the VAE's loss, if its objective has one.

        Args:
          images: float32 [rows, height, width, channels] in [0, 1], this replica's rows of the labelled batch.
          labels: float32 [rows, factors] in [0, 1], NaN where unknown.
          hyperparameters: as in `losses`.
        """
        if self.objective.supervision is None:
            return {}
        means = self.encode(images, training=True).loc
        return {"weighted_supervision": hyperparameters["gamma_sup"] * self.objective.supervision(means, labels)}

    def players(self) -> dict[str, Player]:
        """The players by the names in `losses`."""
        return {VAE_PLAYER: Player(self.trainable_variables)}

    def weight_names(self) -> dict[str, keras.Variable]:
        """All weights by readable names, such as ``encoder/dense_0/kernel``, in the order of `weights`."""
        names = {id(v): f"{part.name}/{v.path}" for part in self.layers for v in part.variables}
        return {names[id(v)]: v for v in self.weights}

    @property
    def counts_per_update(self) -> int:
        """Number of requested updates that one update counts as; 1, unless it follows the count of other code."""
        return 1

    def call(self, images, training=False):
        """Logits of the reconstructions from the posterior means."""
        return self.decode(self.encode(images, training).loc, training)


class Ensemble:
    """Models of one kind that see the same batches and share hyperparameters; weights and noise are each model's own.

    Args:
      models: at least one `VAE`.
    """

    def __init__(self, models: Sequence[VAE]):
        self.models = list(models)
        first = self.models[0]
        self.image_shape, self.hyperparameters = first.image_shape, first.hyperparameters
        self.num_latents, self.counts_per_update = first.num_latents, first.counts_per_update
        self.takes_pairs, self.takes_labels = first.takes_pairs, first.takes_labels
        self.takes_batch_labels = first.takes_batch_labels
        signature = tf.TensorSpec((None, *self.image_shape), tf.uint8)
        self.posterior_parameters = tf.function(self._posterior_parameters, input_signature=[signature])
        seed = tf.TensorSpec((2,), tf.int32)
        self.negative_elbos = tf.function(self._negative_elbos, input_signature=[signature, seed])
        self._single: dict[int, Ensemble] = {}

    def __len__(self) -> int:
        return len(self.models)

    def single(self, number: int) -> "Ensemble":
        """Model `number` as an ensemble of one, sharing its weights. Cached, so that its graph is traced once."""
        if len(self) == 1:
            return self
        if number not in self._single:
            self._single[number] = Ensemble([self.models[number]])
        return self._single[number]

    def _posterior_parameters(self, images):
        posteriors = [model.encode(as_float(images)) for model in self.models]
        return tf.stack([p.loc for p in posteriors]), tf.stack([p.log_variance for p in posteriors])

    def _negative_elbos(self, images, seed):
        """-log p(x|z) + KL(q(z|x) || p(z)) by one latent sample, in nats, [models, batch]."""
        losses = []
        for model in self.models:
            forward = model.forward(as_float(images), seed, tf.constant(0), tf.constant(1.0), training=False)
            kl = kl_to_prior(forward.posterior.loc, forward.posterior.log_variance)
            losses.append(tf.reduce_sum(kl, axis=1) - forward.log_likelihood)
        return tf.stack(losses)


def as_float(images: tf.Tensor) -> tf.Tensor:
    """uint8 intensities as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0
