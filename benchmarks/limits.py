"""Computes lower bounds for a training step of the reference network from its operations and its memory traffic.

    python benchmarks/limits.py

Operations: two per multiplication of a convolution or dense layer, in the forward pass, in the gradient of the weights
and, except for the first layer, in the gradient of the inputs, at the measured rate of a large matrix product. Traffic:
each layer's values as often as the operations of the step read and write them, at the measured rate of adding two large
arrays. A step can be faster than the second bound where values stay in a cache. Prints a JSON line per precision; CPU
time, all cores.
"""

import functools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import measuring
import numpy as np
import tensorflow as tf
from keras import layers

from rdl.models.networks.reference import reference_decoder, reference_encoder

SHAPE, LATENTS = (64, 64, 1), 10
# Forward: written by the layer, read twice and written by batch norm, read by the next layer. Backward: ReLU reads two
# and writes one, batch norm reads two twice and writes one, both gradients of the layer read, one write and read.
PASSES = 1 + 3 + 1 + 3 + 5 + 2 + 2
SIZE, LENGTH, ROUNDS = 2048, 64 << 20, 9


def layers_with_kernels() -> list[layers.Layer]:
    """Returns the layers with kernels in the order of the step."""
    networks = reference_encoder(SHAPE, LATENTS), reference_decoder(SHAPE, LATENTS)
    kinds = (layers.Conv2D, layers.Conv2DTranspose, layers.Dense)
    return [layer for network in networks for layer in network.layers if isinstance(layer, kinds)]


def count_multiplications(layer: layers.Layer) -> int:
    """Counts the multiplications of the forward pass for one image."""
    kernel = int(np.prod(layer.kernel.shape))
    if isinstance(layer, layers.Dense):
        return kernel
    places = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
    return kernel * int(np.prod(places.shape[1:3]))


def main() -> None:
    """Counts operations and traffic, measures the machine and prints the bounds."""
    measuring.emit_machine("limits")
    counts = [count_multiplications(layer) for layer in layers_with_kernels()]
    operations = 2 * (3 * sum(counts) - counts[0])
    values = sum(int(np.prod(layer.output.shape[1:])) for layer in layers_with_kernels())
    square, line = (tf.random.normal(shape) for shape in ((SIZE, SIZE), (LENGTH,)))
    ways = {"sum": functools.partial(tf.function(tf.add), line, line + 1.0)}
    for dtype in (tf.float32, tf.bfloat16):
        ways[dtype.name] = functools.partial(tf.function(tf.matmul), tf.cast(square, dtype), tf.cast(square, dtype))
    spent = measuring.measure(ways, ROUNDS)
    bandwidth = 3 * LENGTH * line.dtype.size / min(each.cpu for each in spent["sum"])  # two reads and one write
    for dtype in (tf.float32, tf.bfloat16):
        rate = 2 * SIZE**3 / min(each.cpu for each in spent[dtype.name])
        traffic = PASSES * values * dtype.size
        measuring.emit(
            "limits", dtype=dtype.name, mflop_an_image=operations / 1e6, mb_an_image=traffic / 1e6,
            gflop_a_cpu_second=rate / 1e9, gb_a_cpu_second=bandwidth / 1e9,
            operations_cpu_ms=1e3 * operations / rate, traffic_cpu_ms=1e3 * traffic / bandwidth,
        )  # fmt: skip


if __name__ == "__main__":
    main()
