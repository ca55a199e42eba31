"""Encoders with quantised posterior means."""

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
    """An encoder whose means are quantised by `finite_scalar`; its log variances are unchanged.

    Each latent has a fixed grid, as in Tripod (Hsu et al. 2024, arXiv 2404.10282). Unlike Tripod's model, this one is a
    VAE, with the posterior's noise and a VAE's objective.

    Args:
      image_shape: (height, width, channels).
      num_latents: number of latents.
      encoder: factory of the encoder whose means are quantised.
      levels: number of values that each mean can take; odd, so that 0, the mean of an inactive latent, is one of them.

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

    The distance d of neighbouring levels gives equally likely levels the prior's variance, 1. The gradient of the
    rounding is taken as 1 (straight through).

    Args:
      values: of any shape.
      levels: number of levels; odd.

    Returns:
      float32, the shape of `values`.
    """
    half, distance = (levels - 1) / 2, (12 / (levels**2 - 1)) ** 0.5
    bounded = half * ops.tanh(ops.cast(values, "float32"))
    return distance * (bounded + ops.stop_gradient(ops.round(bounded) - bounded))
