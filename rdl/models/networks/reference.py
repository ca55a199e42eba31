"""The networks of the PBT-VAE experiments: batch norm and ReLU after every hidden layer.

Layers before a batch norm have no bias, which the norm would subtract. The 4x4-valid and 1x1 convolutions of the
reference are dense layers here, which compute the same.
"""

import gin
import keras
from keras import layers

from rdl.models.batch_norm import BatchNormalization
from rdl.models.networks.pixel_logits import PixelLogits
from rdl.models.networks.small import ImageShape, shrunk


def normalized(hidden, name: str):
    """Batch norm, then ReLU."""
    return BatchNormalization(relu=True, name=f"{name}_norm")(hidden)


@gin.configurable
def reference_encoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Convolutions 4x4 stride 2 with 32, 32, 64, 64 filters, dense 512, dense to means and log variances."""
    shrunk(image_shape, 4)
    images = keras.Input(image_shape)
    hidden = images
    for i, filters in enumerate((32, 32, 64, 64)):
        hidden = layers.Conv2D(filters, 4, 2, "same", use_bias=False, name=f"conv_{i}")(hidden)
        hidden = normalized(hidden, f"conv_{i}")
    hidden = layers.Dense(512, use_bias=False, name="dense")(layers.Flatten(name="flatten")(hidden))
    # float32 at any precision, as in `posterior_heads`.
    parameters = layers.Dense(2 * num_latents, name="parameters", dtype="float32")(normalized(hidden, "dense"))
    means, log_variances = parameters[:, :num_latents], parameters[:, num_latents:]
    return keras.Model(images, (means, log_variances), name="encoder")


@gin.configurable
def reference_decoder(image_shape: ImageShape, num_latents: int) -> keras.Model:
    """Dense 512, dense to 4x4x64, transposed convolutions 4x4 stride 2 with 64, 32, 32 filters and the channels."""
    height, width = shrunk(image_shape, 4)
    latents = keras.Input((num_latents,))
    hidden = normalized(layers.Dense(512, use_bias=False, name="dense_0")(latents), "dense_0")
    hidden = layers.Dense(height * width * 64, use_bias=False, name="dense_1")(hidden)
    hidden = normalized(layers.Reshape((height, width, 64), name="reshape")(hidden), "dense_1")
    for i, filters in enumerate((64, 32, 32)):
        deconvolution = layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False, name=f"deconv_{i}")
        hidden = normalized(deconvolution(hidden), f"deconv_{i}")
    logits = PixelLogits(image_shape[-1], name="logits")(hidden)
    return keras.Model(latents, logits, name="decoder")
