"""CPU time of two implementations of a decoder's last layer, from 32 features at 32 x 32 to an image of 64 x 64.

    python benchmarks/pixel_logits.py

Prints a JSON line for each precision, number of channels and pass.
"""

import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import measuring
import numpy as np
import tensorflow as tf

from rdl.models.networks.pixel_logits import upsample

BATCH, ROUNDS = 256, 15


def transposed(inputs, kernel):
    """Keras' implementation."""
    return tf.nn.conv2d_transpose(inputs, kernel, (BATCH, 64, 64, kernel.shape[2]), 2, "SAME")


def forward_and_back(way):
    """A traced function of both passes."""

    @tf.function
    def both(inputs, kernel, upstream):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = way(inputs, kernel)
        return tape.gradient(outputs, [inputs, kernel], output_gradients=upstream), outputs

    return both


def main() -> None:
    """Measures and prints."""
    measuring.emit_machine("pixel_logits")
    random = np.random.default_rng(0)
    for dtype in (tf.float32, tf.bfloat16):
        for channels in (1, 3):
            shapes = (BATCH, 32, 32, 32), (4, 4, channels, 32), (BATCH, 64, 64, channels)
            inputs, kernel, upstream = (tf.cast(random.normal(size=shape), dtype) for shape in shapes)
            ways = {}
            for name, way in (("transposed", transposed), ("upsample", upsample)):
                forward, both = tf.function(way), forward_and_back(way)
                ways[f"{name}_forward"] = lambda call=forward, x=inputs, w=kernel: call(x, w)
                ways[f"{name}_both"] = lambda call=both, x=inputs, w=kernel, up=upstream: call(x, w, up)
            spent = measuring.measure(ways, ROUNDS)
            each = {
                f"{name}_us_an_image": 1e6 * statistics.median(each.cpu for each in t) / BATCH
                for name, t in spent.items()
            }
            measuring.emit("pixel_logits", dtype=dtype.name, channels=channels, batch_size=BATCH, **each)


if __name__ == "__main__":
    main()
