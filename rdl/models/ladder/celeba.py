"""The four-level ladder networks of pro-VLAE's released CelebA code.

Branches of levels 1 to 3 have two convolutions, then the posterior's dense layers; level 4 has dense layers only. The
feature maps of levels 4 and 3 have the same size.
"""

import gin
import keras
from keras import layers

from rdl.errors import UserError
from rdl.models.ladder.blocks import Blocks, ImageShape, crop, halvings, posterior_layers
from rdl.models.ladder.levels import Gate, Levels, levels_for, split_levels
from rdl.models.networks.pixel_logits import PixelLogits


def _four_levels(num_latents: int) -> Levels:
    levels = levels_for(num_latents)
    if len(levels) != 4:
        raise UserError(f"The CelebA networks need 4 levels, got {len(levels)}: set levels.count = 4.")
    return levels


@gin.configurable
def celeba_ladder_encoder(image_shape: ImageShape, num_latents: int, normalization: str = "affine") -> keras.Model:
    """Convolutions 4x4 of stride 2 with 64, 128, 256, 512 filters and leaky ReLU (slope 0.2), each with a branch.

    Args:
      image_shape: (height, width, channels).
      num_latents: in all four levels; gin's `levels` divides them.
      normalization: after each activation, ``affine``, ``batch_norm`` or ``none``.
    """
    levels, blocks = _four_levels(num_latents), Blocks("leaky_relu", normalization)
    images = keras.Input(image_shape)
    features, hidden = [], images
    for number, count in enumerate((64, 128, 256, 512), start=1):
        hidden = blocks.conv(hidden, count)
        features.append(Gate(number)(hidden))
    top = layers.Flatten()(features[3])
    branches = [blocks.dense(blocks.dense(top, 1024), 1024)]
    for number, (first, second, stride) in ((3, (256, 512, 2)), (2, (128, 256, 2)), (1, (64, 64, 1))):
        branch = blocks.conv(blocks.conv(features[number - 1], first), second, stride)
        branches.append(layers.Flatten()(branch))
    return keras.Model(images, posterior_layers(branches, levels), name="encoder")


@gin.configurable
def celeba_ladder_decoder(image_shape: ImageShape, num_latents: int, normalization: str = "affine") -> keras.Model:
    """Transposed convolutions from the deepest level's 512 feature maps up; level 1 has no normalisation.

    Args:
      image_shape: (height, width, channels).
      num_latents: in all four levels; gin's `levels` divides them.
      normalization: after each activation except level 1's, ``affine``, ``batch_norm`` or ``none``.
    """
    levels = _four_levels(num_latents)
    blocks, bare = Blocks("leaky_relu", normalization), Blocks("leaky_relu", "none")
    sizes = halvings(image_shape, 4)
    latents = keras.Input((num_latents,))
    level_4, level_3, level_2, level_1 = split_levels(latents, levels)

    hidden = blocks.dense(blocks.dense(level_4, 1024), 1024)
    hidden = Gate(4)(blocks.feature_map(hidden, sizes[4], 512))
    own = Gate(3)(blocks.feature_map(level_3, sizes[4], 512))
    hidden = blocks.deconv(layers.Concatenate()([own, hidden]), 512, sizes[4], stride=1)
    hidden = blocks.deconv(hidden, 256, sizes[3])
    own = Gate(2)(blocks.feature_map(level_2, sizes[3], 256))
    hidden = blocks.deconv(layers.Concatenate()([own, hidden]), 128, sizes[2])
    hidden = blocks.deconv(hidden, 64, sizes[2], stride=1)
    own = Gate(1)(bare.feature_map(level_1, sizes[2], 64))
    hidden = bare.deconv(layers.Concatenate()([own, hidden]), 64, sizes[1])
    logits = PixelLogits(image_shape[2], name="logits")(hidden)
    return keras.Model(latents, crop(logits, sizes[0]), name="decoder")
