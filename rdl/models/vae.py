"""A variational autoencoder, and several of them trained side by side."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from rdl.models import replicas
from rdl.models.distributions import DiagonalNormal, bernoulli_image
from rdl.models.finite import watch
from rdl.models.objectives.objective import Objective, Terms

VAE_PLAYER = "vae"


@keras.saving.register_keras_serializable("rdl")
class VAE(keras.Model):
    """An encoder, a decoder and what they minimise.

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
        """Coordinates of z."""
        return self.decoder.inputs[0].shape[1]

    @property
    def hyperparameters(self) -> dict[str, float]:
        """Names and default values of what a search may change besides learning rate and batch size."""
        return dict(self.objective.hyperparameters)

    @property
    def takes_pairs(self) -> bool:
        """Whether rows 2i and 2i + 1 of a batch have to be a pair."""
        return self.objective.pairing is not None

    @property
    def takes_labels(self) -> bool:
        """Whether labelled images come with each batch."""
        return self.objective.supervision is not None

    @property
    def takes_batch_labels(self) -> bool:
        """Whether the images of a batch carry labels."""
        return self.objective.batch_supervision is not None

    def encode(self, images: tf.Tensor, training: bool = False) -> DiagonalNormal:
        """q(z | x) for images [batch, height, width, channels] in [0, 1]; event shape [latents]."""
        mean, log_variance = self.encoder(images, training=training)
        watch("the posterior means", mean)
        watch("the posterior log variances", log_variance)
        return DiagonalNormal(tf.cast(mean, tf.float32), tf.cast(log_variance, tf.float32))

    def decode(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits of the pixels, [batch, height, width, channels]."""
        return watch("the decoder's logits", tf.cast(self.decoder(latents, training=training), tf.float32))

    def likelihood(self, latents: tf.Tensor, training: bool = False):
        """p(x | z) for latents [batch, latents]; event shape [height, width, channels]."""
        return bernoulli_image(self.decode(latents, training))

    def sample_and_score(self, images: tf.Tensor, seed: tf.Tensor):
        """In training: the posterior, one sample of it, and log p(x | sample), [batch]."""
        posterior = self.encode(images, training=True)
        if self.objective.pairing is not None:
            posterior = self.objective.pairing(posterior)
        noise = watch("the noise", replicas.normal_like(posterior.loc, seed))
        latents = watch("the latents", posterior.loc + noise * tf.exp(0.5 * posterior.log_variance))
        log_likelihood = watch("log p(x|z)", self.likelihood(latents, training=True).log_prob(images))
        return posterior, latents, log_likelihood

    def losses(
        self,
        images: tf.Tensor,
        seed: tf.Tensor,
        step: tf.Tensor,
        dataset_size: tf.Tensor,
        hyperparameters: Mapping[str, tf.Tensor],
        labels: tf.Tensor | None = None,
    ) -> dict[str, Terms]:
        """The loss terms of every player: here one, all of whose weights go down the same loss.

        Args:
          images: float32 [rows, height, width, channels] in [0, 1], this replica's rows of the batch.
          seed: int32 [2], for the latent noise.
          step: scalar, counts updates.
          dataset_size: scalar.
          hyperparameters: scalars under the names of `self.hyperparameters`.
          labels: float32 [rows, labels], NaN where unknown, where the objective takes labels of the batch.
        """
        posterior, latents, log_likelihood = self.sample_and_score(images, seed)
        terms = self.objective(posterior, latents, log_likelihood, step, dataset_size, hyperparameters)
        if self.objective.batch_supervision is not None and labels is not None:
            terms = terms | self.objective.batch_supervision(posterior.loc, labels, hyperparameters)
        return {VAE_PLAYER: terms}

    def supervised(self, images: tf.Tensor, labels: tf.Tensor, hyperparameters: Mapping[str, tf.Tensor]) -> Terms:
        """What labelled images add to the VAE's loss, where its objective learns from labels.

        Args:
          images: float32 [rows, height, width, channels] in [0, 1], this replica's rows of the labelled batch.
          labels: float32 [rows, factors] in [0, 1], NaN where one is not known.
          hyperparameters: as in `losses`.
        """
        if self.objective.supervision is None:
            return {}
        means = self.encode(images, training=True).loc
        return {"weighted_supervision": hyperparameters["gamma_sup"] * self.objective.supervision(means, labels)}

    def players(self) -> dict[str, "Player"]:
        """Who minimises what: the names of `losses`, each with its weights and its optimiser's settings."""
        return {VAE_PLAYER: Player(self.trainable_variables)}

    def weight_names(self) -> dict[str, keras.Variable]:
        """All weights by readable names, such as ``encoder/dense_0/kernel``, in the order of `weights`."""
        names = {id(v): f"{part.name}/{v.path}" for part in self.layers for v in part.variables}
        return {names[id(v)]: v for v in self.weights}

    @property
    def counts_per_update(self) -> int:
        """By how much an update counts towards the updates asked for: one, unless other code is imitated."""
        return 1

    def call(self, images, training=False):
        """Logits of the reconstructions through the posterior means."""
        return self.decode(self.encode(images, training).loc, training)


class Player:
    """Weights that go down one loss by Adam.

    Args:
      variables: Keras variables.
      learning_rate: fixed, or None for the trainer's.
      beta_1: decay of Adam's first moment.
      beta_2: decay of Adam's second moment.
    """

    def __init__(self, variables, learning_rate: float | None = None, beta_1=0.9, beta_2=0.999):
        self.variables, self.learning_rate = variables, learning_rate
        self.beta_1, self.beta_2 = beta_1, beta_2


class Ensemble:
    """Models of one kind that see the same batches and share hyperparameters, each with weights and noise of its own.

    Args:
      models: at least one; `VAE` or what has its `losses`, `players`, `encode`, `image_shape`, `hyperparameters`.
    """

    def __init__(self, models: Sequence):
        self.models = list(models)
        first = self.models[0]
        self.image_shape, self.hyperparameters = first.image_shape, first.hyperparameters
        self.num_latents, self.counts_per_update = first.num_latents, first.counts_per_update
        self.takes_pairs, self.takes_labels = first.takes_pairs, first.takes_labels
        self.takes_batch_labels = first.takes_batch_labels
        signature = tf.TensorSpec((None, *self.image_shape), tf.uint8)
        self.posterior_parameters = tf.function(self._posterior_parameters, input_signature=[signature])
        self._alone: dict[int, Ensemble] = {}

    def __len__(self) -> int:
        return len(self.models)

    def alone(self, number: int) -> "Ensemble":
        """One of the models as an ensemble that shares its weights; kept, as its graph is traced once."""
        if len(self) == 1:
            return self
        if number not in self._alone:
            self._alone[number] = Ensemble([self.models[number]])
        return self._alone[number]

    def _posterior_parameters(self, images):
        posteriors = [model.encode(as_float(images)) for model in self.models]
        return tf.stack([p.loc for p in posteriors]), tf.stack([p.log_variance for p in posteriors])


def as_float(images: tf.Tensor) -> tf.Tensor:
    """uint8 intensities as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0
