"""A trained model on disk, and in one's hands again.

A folder ``model/`` holds ``encoder.keras`` and ``decoder.keras``: Keras' own files, without pickles or code.
"""

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
    """Writes the model's networks; the folder appears whole or not at all, and takes an older one's place.

    Raises:
      UserError: the operating system refuses, for a reason that the user can mend.
    """
    with files.replacing_folder(folder) as new:
        model.encoder.save(new / "encoder.keras")
        model.decoder.save(new / "decoder.keras")


def load(folder: str | os.PathLike) -> "TrainedModel":
    """Reads what ``save`` wrote.

    Raises:
      UserError: there is no model, or its files are damaged.
    """
    networks = []
    for name in ("encoder", "decoder"):
        path = Path(folder) / f"{name}.keras"
        if not path.exists():
            raise UserError(f"No trained model in {folder} ({path.name} is missing): is the run finished?")
        try:
            networks.append(keras.saving.load_model(path, compile=False))
        except Exception as error:  # Keras raises whatever its readers raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{path} is damaged ({reason}): remove the folder and run the training again.") from error
    try:
        check_networks(*networks)
    except UserError as error:
        raise UserError(f"{folder} holds no trained model: {error}") from None
    return TrainedModel(*networks)


class TrainedModel:
    """A finished model: from images to latents and back.

    Images are uint8 [n, height, width, channels], or floats in [0, 1]; one image may come without its first axis.
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model):
        self.encoder, self.decoder = encoder, decoder

    @classmethod
    def of(cls, model: VAE) -> "TrainedModel":
        """A model that was trained, as it is now and as its training goes on."""
        return cls(model.encoder, model.decoder)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the networks, as ``save`` of this module does."""
        save(self, folder)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return tuple(self.encoder.inputs[0].shape[1:])

    @property
    def num_latents(self) -> int:
        """How many latents there are."""
        return self.decoder.inputs[0].shape[1]

    def posterior(self, images: np.ndarray) -> DiagonalNormal:
        """q(z | x): a TFP distribution, batch shape [n], event shape [latents].

        Raises:
          UserError: images of another shape or type, or not finite.
        """
        mean, log_variance = self.encoder(self._checked(images), training=False)
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
        """The likelihood's mean, float32 [n, height, width, channels] in [0, 1], for latents [n, latents].

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
        """Images along one latent, the others as the encoder gives them: float32 [values, height, width, channels].

        Raises:
          UserError: no such latent, or an image of another shape.
        """
        if not 0 <= latent < self.num_latents:
            raise UserError(f"Expected a latent in 0 .. {self.num_latents - 1}, got {latent}.")
        latents = np.repeat(self.encode(image)[:1], len(values), axis=0)
        latents[:, latent] = values
        return self.decode(latents)

    def _checked(self, images: np.ndarray) -> tf.Tensor:
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
            raise UserError("Expected floats in [0, 1]; these go beyond or hold NaN: divide by 255, or pass uint8.")
        return tf.cast(images, tf.float32)
