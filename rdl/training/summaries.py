"""What TensorBoard shows of a training: loss terms, KL of each latent, reconstructions and traversals.

All write to the default writer: call them within `with tf.summary.create_file_writer(folder).as_default():`.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from rdl.models.distributions import kl_to_prior
from rdl.models.vae import VAE, as_float


def write_terms(terms: Mapping[str, float], step: int) -> None:
    """The loss terms, and under `loss/total` their sum, in nats per image."""
    for name, value in terms.items():
        tf.summary.scalar(f"loss/{name}", value, step)
    tf.summary.scalar("loss/total", sum(terms.values()), step)


def mean_kl(means: np.ndarray, log_variances: np.ndarray) -> np.ndarray:
    """Mean over images of the KL of each latent to the prior, in nats: [n, latents] twice -> [latents]."""
    return kl_to_prior(tf.constant(means), tf.constant(log_variances)).numpy().mean(axis=0)


def write_kl(means: np.ndarray, log_variances: np.ndarray, step: int) -> None:
    """The mean KL of each latent, in nats, from the posteriors' parameters [n, latents]."""
    for latent, kl in enumerate(mean_kl(means, log_variances)):
        tf.summary.scalar(f"kl/latent_{latent}", kl, step)


def reconstructions(model: VAE, images: np.ndarray) -> np.ndarray:
    """Images above what the model makes of them through the posterior means.

    Args:
      model: the VAE.
      images: uint8 [n, height, width, channels].

    Returns:
      One picture in [0, 1], float32 [2 height, n width, channels].
    """
    pixels = as_float(tf.constant(images))
    made = tf.sigmoid(model.decode(model.encode(pixels).loc))
    return _grid(np.stack([pixels.numpy(), made.numpy()]))


def traversals(model: VAE, image: np.ndarray, limit: float = 2.0, columns: int = 9) -> np.ndarray:
    """What the decoder makes of one image's code while one latent at a time runs from -limit to limit.

    Args:
      model: the VAE.
      image: uint8 [height, width, channels].
      limit: how far, in standard deviations of the prior.
      columns: values of each latent.

    Returns:
      One picture in [0, 1], a row for each latent: float32 [latents height, columns width, channels].
    """
    code = model.encode(as_float(tf.constant(image[None]))).loc.numpy()[0]
    codes = np.tile(code, (model.num_latents, columns, 1))
    for latent in range(model.num_latents):
        codes[latent, :, latent] = np.linspace(-limit, limit, columns)
    made = tf.sigmoid(model.decode(tf.constant(codes.reshape(-1, model.num_latents)))).numpy()
    return _grid(made.reshape(model.num_latents, columns, *made.shape[1:]))


def write_images(model: VAE, images: np.ndarray, step: int) -> None:
    """Reconstructions of uint8 images [n, height, width, channels] and traversals of the first."""
    tf.summary.image("reconstructions", reconstructions(model, images)[None], step)
    tf.summary.image("traversals", traversals(model, images[0])[None], step)


def _grid(pictures: np.ndarray) -> np.ndarray:
    """[rows, columns, height, width, channels] -> [rows height, columns width, channels]."""
    rows, columns, height, width, channels = pictures.shape
    return pictures.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)
