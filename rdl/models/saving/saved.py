"""Saves and loads trained models: ``encoder.keras`` and ``decoder.keras`` in one folder, without pickles or code."""

import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.distributions import DiagonalNormal
from rdl.models.likelihoods import likelihood_of
from rdl.models.networks.fit import check_networks
from rdl.models.vae import VAE
from rdl.runs import files


def save(model: "VAE | TrainedModel", folder: str | os.PathLike) -> None:
    """Writes the networks of a model, atomically; replaces an older model in the folder.

    Raises:
      UserError: the folder cannot be written.
    """
    with files.replacing_folder(folder) as new:
        model.encoder.save(new / "encoder.keras")
        model.decoder.save(new / "decoder.keras")


def load_model(folder: str | os.PathLike) -> "TrainedModel":
    """Loads a model that `save` wrote.

    Raises:
      UserError: the model is missing or damaged.
    """
    networks = []
    for name in ("encoder", "decoder"):
        path = Path(folder) / f"{name}.keras"
        if not path.exists():
            raise UserError(f"No trained model in {folder}: {path.name} is missing. Finish the run with bin/train.")
        try:
            networks.append(keras.saving.load_model(path, compile=False))
        except Exception as error:  # Keras raises errors of many types
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{path} is damaged ({reason}): remove the folder and run the training again.") from error
    try:
        check_networks(*networks)
    except UserError as error:
        raise UserError(f"{folder} holds no trained model: {error}") from None
    return TrainedModel(*networks)


class TrainedModel:
    """A trained model, which encodes images as latents and decodes latents to images.

    Images are uint8 [n, height, width, channels], or floats in [0, 1]; a single image may lack the first axis.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model):
        self.encoder, self.decoder = encoder, decoder

    @classmethod
    def of(cls, model: VAE) -> "TrainedModel":
        """Wraps a VAE; shares its weights, also while training continues."""
        return cls(model.encoder, model.decoder)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the networks into a folder (`save`)."""
        save(self, folder)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return tuple(self.encoder.inputs[0].shape[1:])

    @property
    def num_latents(self) -> int:
        """Number of latents."""
        return self.decoder.inputs[0].shape[1]

    def posterior(self, images: np.ndarray) -> DiagonalNormal:
        """q(z | x) as a TFP distribution with batch shape [n] and event shape [latents].

        Raises:
          UserError: images of another shape or type, or not finite.
        """
        mean, log_variance = self.encoder(self._check_images(images), training=False)
        return DiagonalNormal(tf.cast(mean, tf.float32), tf.cast(log_variance, tf.float32))

    def encode(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Posterior means, float32 [n, latents].

        Raises:
          UserError: images of another shape or type, or not finite.
        """
        images = np.asarray(images)
        images = images[None] if images.ndim == 3 else images
        parts = [self.posterior(images[i : i + batch_size]).loc for i in range(0, len(images), batch_size)]
        return np.concatenate([part.numpy() for part in parts]) if parts else np.zeros((0, self.num_latents), "f4")

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Mean of p(x | z), float32 [n, height, width, channels] in [0, 1], for latents [n, latents].

        Raises:
          UserError: latents of another shape.
        """
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.num_latents:
            raise UserError(f"Expected latents of shape [n, {self.num_latents}], got {list(latents.shape)}.")
        logits = tf.cast(self.decoder(latents, training=False), tf.float32)
        return likelihood_of(self.decoder).mean(logits).numpy()

    def traverse(
        self, image: np.ndarray, latent: int, values: Sequence[float] = tuple(np.linspace(-2, 2, 9))
    ) -> np.ndarray:
        """Decodes an image while one latent varies: float32 [values, height, width, channels].

        Raises:
          UserError: no such latent, or an image of another shape.
        """
        if not 0 <= latent < self.num_latents:
            raise UserError(f"Expected a latent in 0 .. {self.num_latents - 1}, got {latent}.")
        latents = np.repeat(self.encode(image)[:1], len(values), axis=0)
        latents[:, latent] = values
        return self.decode(latents)

    def _check_images(self, images: np.ndarray) -> tf.Tensor:
        images = np.asarray(images)
        images = images[None] if images.ndim == 3 else images
        if images.ndim != 4 or images.shape[1:] != self.image_shape:
            raise UserError(
                f"Expected images of shape [n, {', '.join(map(str, self.image_shape))}], got {list(images.shape)}."
            )
        if images.dtype == np.uint8:
            return tf.cast(images, tf.float32) / 255.0
        if images.dtype == np.bool_:
            return tf.cast(images, tf.float32)
        if not np.issubdtype(images.dtype, np.floating):
            raise UserError(f"Expected images as uint8, or floats in [0, 1], got {images.dtype}.")
        if not (np.isfinite(images).all() and images.min(initial=0) >= 0 and images.max(initial=0) <= 1):
            raise UserError("Expected finite floats in [0, 1]: divide by 255, or pass uint8.")
        return tf.cast(images, tf.float32)
