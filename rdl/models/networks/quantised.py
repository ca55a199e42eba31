"""Posterior means on a grid: any encoder whose means take one of a few values each."""

from collections.abc import Callable
from typing import Annotated

import gin
import keras
from keras import ops

from rdl.config.ranges import Between
from rdl.errors import UserError
from rdl.models.networks.small import ImageShape, small_conv_encoder


@gin.configurable
def quantised_encoder(
    image_shape: ImageShape,
    num_latents: int,
    encoder: Callable[..., keras.Model] = small_conv_encoder,
    levels: Annotated[int, Between(3, 255)] = 9,
) -> keras.Model:
    """An encoder whose means are quantised, each by itself (`finite_scalar`); the log variances are as they were.

    With a fixed grid for each latent, as in Tripod (Hsu et al. 2024, arXiv 2404.10282); the noise of the posterior and
    the objective are the VAE's, which Tripod's model has not.

    Args:
      image_shape: of one image.
      num_latents: coordinates of z.
      encoder: factory of the encoder whose means are quantised.
      levels: values that each mean can take, an odd number, so that 0 is one of them: what a latent out of use says.

    Raises:
      UserError: an even number of levels.
    """
    if levels % 2 == 0:
        raise UserError(f"quantised_encoder.levels must be odd, so that 0 is a level, got {levels}: set {levels + 1}.")
    network = encoder(image_shape, num_latents)
    means, log_variances = network.outputs
    return keras.Model(network.inputs[0], (finite_scalar(means, levels), log_variances), name=network.name)


def finite_scalar(values, levels: int):
    """Finite scalar quantisation (Mentzer et al., ICLR 2024, arXiv 2309.15505): d round(h tanh(v)), 2h + 1 levels.

    The distance d of neighbouring levels is such that levels of which each is as likely have variance 1, as the prior
    has. Gradients pass the rounding as if it were not there (straight through).

    Args:
      values: of any shape.
      levels: how many; odd.

    Returns:
      float32, of the same shape.
    """
    half, distance = (levels - 1) / 2, (12 / (levels**2 - 1)) ** 0.5
    bounded = half * ops.tanh(ops.cast(values, "float32"))
    return distance * (bounded + ops.stop_gradient(ops.round(bounded) - bounded))
