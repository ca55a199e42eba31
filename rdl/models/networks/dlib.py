"""disentanglement_lib's networks, with the kernel sizes of its code. Its paper's table lists 4x4 kernels only."""

import gin
import keras
from keras import layers

from rdl.models.networks.pixel_logits import PixelLogits
from rdl.models.networks.small import ImageShape, posterior_heads, shrunk


@gin.configurable
def conv_encoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Convolutions with stride 2: 32 (4x4), 32 (4x4), 64 (2x2), 64 (2x2); dense 256; ReLU."""
    shrunk(image_shape, 4)
    images = keras.Input(image_shape)
    hidden = images
    for i, (filters, kernel) in enumerate(((32, 4), (32, 4), (64, 2), (64, 2))):
        hidden = layers.Conv2D(filters, kernel, 2, "same", activation="relu", name=f"conv_{i}")(hidden)
    hidden = layers.Dense(256, activation="relu", name="dense")(layers.Flatten(name="flatten")(hidden))
    return keras.Model(images, posterior_heads(hidden, num_latents), name="encoder")


@gin.configurable
def deconv_decoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Dense 256; dense to 4x4x64; transposed convolutions 4x4 stride 2: 64, 32, 32 and the channels; ReLU."""
    height, width = shrunk(image_shape, 4)
    latents = keras.Input((num_latents,))
    hidden = layers.Dense(256, activation="relu", name="dense_0")(latents)
    hidden = layers.Dense(height * width * 64, activation="relu", name="dense_1")(hidden)
    hidden = layers.Reshape((height, width, 64), name="reshape")(hidden)
    for i, filters in enumerate((64, 32, 32)):
        hidden = layers.Conv2DTranspose(filters, 4, 2, "same", activation="relu", name=f"deconv_{i}")(hidden)
    logits = PixelLogits(image_shape[-1], name="logits")(hidden)
    return keras.Model(latents, logits, name="decoder")


@gin.configurable
def fc_encoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Two dense layers of 1200 with ReLU."""
    images = keras.Input(image_shape)
    hidden = layers.Flatten(name="flatten")(images)
    for i in range(2):
        hidden = layers.Dense(1200, activation="relu", name=f"dense_{i}")(hidden)
    return keras.Model(images, posterior_heads(hidden, num_latents), name="encoder")


@gin.configurable
def fc_decoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Three dense layers of 1200 with tanh, then the logits."""
    latents = keras.Input((num_latents,))
    hidden = latents
    for i in range(3):
        hidden = layers.Dense(1200, activation="tanh", name=f"dense_{i}")(hidden)
    height, width, channels = image_shape
    hidden = layers.Dense(height * width * channels, name="logits")(hidden)
    return keras.Model(latents, layers.Reshape(image_shape, name="reshape")(hidden), name="decoder")
