"""The last layer of a decoder, fast on CPUs.

TensorFlow computes a transposed convolution as the gradient of a convolution, whose CPU kernels vectorise over output
channels. With the one channel of grey images most of each vector is idle, so that the layer takes a tenth of a training
step for a thirtieth of its operations. benchmarks/pixel_logits.py times the alternative here.
"""

import keras
import tensorflow as tf
from keras import layers

_PADDINGS = [[0, 0], [1, 1], [1, 1], [0, 0]]


def upsample(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`tf.nn.conv2d_transpose` with a kernel of 4x4, stride 2 and padding "SAME".

    Pixel 2p - 1 + r (r = 0, 1) of a row depends on positions p - 1 and p, through the kernel's entries 2 + r and r.
    So one 2x2 convolution computes all channels of four pixels. Gradients are computed as the transposed convolution's.

    Args:
      inputs: [batch, height, width, features].
      kernel: [4, 4, channels, features].

    Returns:
      [batch, 2 height, 2 width, channels].
    """

    @tf.custom_gradient
    def function(inputs, kernel):
        channels, features = kernel.shape[2:]
        pairs = tf.reshape(kernel, (2, 2, 2, 2, channels, features))[::-1, :, ::-1]  # position, pixel, twice
        pairs = tf.reshape(tf.transpose(pairs, (0, 2, 5, 1, 3, 4)), (2, 2, features, 4 * channels))
        blocks = tf.nn.conv2d(inputs, pairs, 1, _PADDINGS)
        outputs = tf.nn.depth_to_space(blocks, 2)[
            :, 1:-1, 1:-1
        ]  # drops the outermost pixels, which lie outside the image

        def gradient(upstream):
            d_inputs = tf.nn.conv2d(upstream, kernel, 2, "SAME")
            d_kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=upstream, filter_sizes=tf.shape(kernel), out_backprop=inputs, strides=[1, 2, 2, 1], padding="SAME"
            )
            return d_inputs, d_kernel

        return outputs, gradient

    return function(inputs, kernel)  # pyright: ignore[reportReturnType]


@keras.saving.register_keras_serializable("rdl")
class PixelLogits(layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` 4x4 with stride 2 and padding "same", computed by `upsample` in training.

    Args:
      filters: number of the images' channels.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(filters, 4, 2, "same", **kwargs)

    def call(self, inputs, training=False):
        """Logits [batch, 2 height, 2 width, filters]."""
        if not training:
            return super().call(inputs)
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        return upsample(inputs, kernel) + bias

    def get_config(self):
        """The arguments of `__init__`."""
        return layers.Layer.get_config(self) | {"filters": self.filters}
