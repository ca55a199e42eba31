"""Small networks, for studies on a laptop; gin sets their sizes."""

from collections.abc import Sequence

import gin
import keras
from keras import layers

from rdl.config.ranges import Units
from rdl.errors import UserError
from rdl.models.networks.pixel_logits import PixelLogits

ImageShape = tuple[int, int, int]


def shrunk(image_shape: ImageShape, halvings: int) -> tuple[int, int]:
    """Height and width after `halvings` layers of stride 2.

    Raises:
      UserError: they are not whole numbers.
    """
    height, width, _ = image_shape
    factor = 2**halvings
    if height % factor or width % factor:
        raise UserError(
            f"This network needs heights and widths that are multiples of {factor}, got {height} x {width}: resize the "
            "images, for example to 64 x 64, or choose another network."
        )
    return height // factor, width // factor


def posterior_heads(hidden, num_latents: int):
    """(means, log variances) by two dense layers.

    In float32 at any precision: bfloat16 has 8 bits, so that means would lie on a grid in which labels show plateaus.
    """
    return (
        layers.Dense(num_latents, name="means", dtype="float32")(hidden),
        layers.Dense(num_latents, name="log_variances", dtype="float32")(hidden),
    )


@gin.configurable
def small_fc_encoder(image_shape: ImageShape, num_latents: int, widths: Sequence[Units] = (256, 128)) -> keras.Model:
    """Dense layers with ReLU."""
    images = keras.Input(image_shape)
    hidden = layers.Flatten()(images)
    for i, width in enumerate(widths):
        hidden = layers.Dense(width, activation="relu", name=f"dense_{i}")(hidden)
    return keras.Model(images, posterior_heads(hidden, num_latents), name="encoder")


@gin.configurable
def small_fc_decoder(image_shape: ImageShape, num_latents: int, widths: Sequence[Units] = (128, 256)) -> keras.Model:
    """Dense layers with ReLU, then the logits."""
    latents = keras.Input((num_latents,))
    hidden = latents
    for i, width in enumerate(widths):
        hidden = layers.Dense(width, activation="relu", name=f"dense_{i}")(hidden)
    height, width, channels = image_shape
    logits = layers.Dense(height * width * channels, name="logits")(hidden)
    return keras.Model(latents, layers.Reshape(image_shape)(logits), name="decoder")


@gin.configurable
def small_conv_encoder(
    image_shape: ImageShape, num_latents: int, filters: Sequence[Units] = (16, 32, 32), width: Units = 128
) -> keras.Model:
    """Convolutions 4x4 with stride 2, a dense layer, ReLU."""
    shrunk(image_shape, len(filters))
    images = keras.Input(image_shape)
    hidden = images
    for i, count in enumerate(filters):
        hidden = layers.Conv2D(count, 4, 2, "same", activation="relu", name=f"conv_{i}")(hidden)
    hidden = layers.Dense(width, activation="relu", name="dense")(layers.Flatten()(hidden))
    return keras.Model(images, posterior_heads(hidden, num_latents), name="encoder")


@gin.configurable
def small_conv_decoder(
    image_shape: ImageShape, num_latents: int, filters: Sequence[Units] = (32, 32, 16), width: Units = 128
) -> keras.Model:
    """The mirror image of `small_conv_encoder`, with a transposed convolution for each of its convolutions."""
    if not filters:
        raise UserError(
            "small_conv_decoder.filters must have at least one number, got none: set one a transposed convolution."
        )
    small = (*shrunk(image_shape, len(filters)), filters[0])
    latents = keras.Input((num_latents,))
    hidden = layers.Dense(width, activation="relu", name="dense_0")(latents)
    hidden = layers.Dense(small[0] * small[1] * small[2], activation="relu", name="dense_1")(hidden)
    hidden = layers.Reshape(small)(hidden)
    for i, count in enumerate(filters[1:]):
        hidden = layers.Conv2DTranspose(count, 4, 2, "same", activation="relu", name=f"deconv_{i}")(hidden)
    logits = PixelLogits(image_shape[-1], name="logits")(hidden)
    return keras.Model(latents, logits, name="decoder")
