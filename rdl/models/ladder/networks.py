"""Encoders and decoders of ladders, for images of any size and any number of levels.

The features h_l of level l are a convolution of h_{l-1}; a branch from h_l gives the posterior of z_l. The decoder
starts at the deepest level; each level's own feature map is concatenated with the output of the level below.
"""

from collections.abc import Callable, Sequence

import gin
import keras
from keras import layers

from rdl.config.ranges import Units
from rdl.errors import UserError
from rdl.models.ladder.blocks import Blocks, ImageShape, crop, halvings, posterior_layers
from rdl.models.ladder.levels import Gate, Levels, levels_for, split_levels
from rdl.models.networks import small as small_networks
from rdl.models.networks.pixel_logits import PixelLogits


def _levels(num_latents: int, filters: Sequence[int]) -> Levels:
    levels = levels_for(num_latents)
    if len(filters) != len(levels):
        raise UserError(
            f"filters must have one number per level, nearest to the image first, got {tuple(filters)} for "
            f"{len(levels)} levels: set {len(levels)} numbers."
        )
    return levels


@gin.configurable
def ladder_encoder(
    image_shape: ImageShape,
    num_latents: int,
    filters: Sequence[Units] = (32, 32, 32),
    width: Units = 256,
    activation: str = "elu",
    normalization: str = "affine",
) -> keras.Model:
    """A convolution 4x4 of stride 2 per level, with a branch of another one, a dense layer, and the posterior.

    Args:
      image_shape: (height, width, channels).
      num_latents: in all levels; gin's `levels` divides them.
      filters: of the convolutions of levels 1 .. L and of their branches.
      width: of the branches' dense layers.
      activation: Keras' name of it.
      normalization: after each activation, ``affine``, ``batch_norm`` or ``none``.
    """
    levels = _levels(num_latents, filters)
    blocks = Blocks(activation, normalization)
    images = keras.Input(image_shape)
    hidden, branches = images, []
    for number, count in enumerate(filters, start=1):
        hidden = blocks.conv(hidden, count)
        branch = blocks.conv(Gate(number)(hidden), count)
        branches.insert(0, blocks.dense(layers.Flatten()(branch), width))
    return keras.Model(images, posterior_layers(branches, levels), name="encoder")


@gin.configurable
def ladder_decoder(
    image_shape: ImageShape,
    num_latents: int,
    filters: Sequence[Units] = (32, 32, 32),
    width: Units = 256,
    activation: str = "elu",
    normalization: str = "affine",
) -> keras.Model:
    """Per level two dense layers to a feature map, concatenated with the level below; a transposed convolution.

    Args:
      image_shape: (height, width, channels).
      num_latents: in all levels; gin's `levels` divides them.
      filters: of the feature maps and transposed convolutions of levels 1 .. L.
      width: of the first dense layers.
      activation: Keras' name of it.
      normalization: after each activation, ``affine``, ``batch_norm`` or ``none``.
    """
    levels = _levels(num_latents, filters)
    blocks = Blocks(activation, normalization)
    sizes = halvings(image_shape, len(levels) + 1)
    latents = keras.Input((num_latents,))
    below = None
    for number, own in zip(levels.numbers, split_levels(latents, levels), strict=True):
        count = filters[number - 1]
        own = blocks.feature_map(blocks.dense(own, width), sizes[number + 1], count)
        own = Gate(number)(own)
        below = own if below is None else layers.Concatenate()([own, below])
        below = blocks.deconv(below, count, sizes[number])
    logits = PixelLogits(image_shape[2], name="logits")(below)
    return keras.Model(latents, crop(logits, sizes[0]), name="decoder")


@gin.configurable
def flat_decoder(
    image_shape: ImageShape,
    num_latents: int,
    decoder: Callable[..., keras.Model] = small_networks.small_conv_decoder,
) -> keras.Model:
    """A decoder without a ladder, with gates on groups of latents, so that a schedule can add them one after another.

    Args:
      image_shape: (height, width, channels).
      num_latents: in all groups; gin's `levels` divides them.
      decoder: factory (image_shape, num_latents) -> keras.Model; in gin `flat_decoder.decoder = @deconv_decoder`.
    """
    levels = levels_for(num_latents)
    latents = keras.Input((num_latents,))
    parts = zip(levels.numbers, split_levels(latents, levels), strict=True)
    gated = [Gate(number)(own) for number, own in parts]
    joined = layers.Concatenate()(gated) if len(gated) > 1 else gated[0]
    return keras.Model(latents, decoder(image_shape, num_latents)(joined), name="decoder")
