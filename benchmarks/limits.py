"""How fast a training step of the reference network could be here, by its operations and by its memory traffic.

    python benchmarks/limits.py

Operations: two for each multiplication of a convolution or a dense layer, in the forward pass, in the gradient by the
weights and (but for the first layer) in the gradient by the inputs. They run at best at the rate of a large matrix
product. Traffic: how often each layer's values pass between memory and processor when every operation of the step
reads and writes them once, at the rate of adding two large arrays. A step can be faster than the second where its
values stay in a cache. Prints a JSON line for each precision; CPU time, all cores.
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
# Written by its layer; read twice and written by batch norm; read by the next layer. Back: two read and one written by
# ReLU, two read twice and one written by batch norm, read by both gradients of the layer, written and read between.
PASSES = 1 + 3 + 1 + 3 + 5 + 2 + 2
SIZE, LENGTH, ROUNDS = 2048, 64 << 20, 9


def weighed_layers() -> list[layers.Layer]:
    """All layers with kernels, in the order of the step."""
    networks = reference_encoder(SHAPE, LATENTS), reference_decoder(SHAPE, LATENTS)
    kinds = (layers.Conv2D, layers.Conv2DTranspose, layers.Dense)
    return [layer for network in networks for layer in network.layers if isinstance(layer, kinds)]


def multiplications(layer: layers.Layer) -> int:
    """Of the forward pass for one image."""
    kernel = int(np.prod(layer.kernel.shape))
    if isinstance(layer, layers.Dense):
        return kernel
    places = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
    return kernel * int(np.prod(places.shape[1:3]))


def main() -> None:
    """Counts, measures and prints."""
    measuring.emit_machine("limits")
    counts = [multiplications(layer) for layer in weighed_layers()]
    operations = 2 * (3 * sum(counts) - counts[0])
    values = sum(int(np.prod(layer.output.shape[1:])) for layer in weighed_layers())
    square, line = (tf.random.normal(shape) for shape in ((SIZE, SIZE), (LENGTH,)))
    ways = {"sum": functools.partial(tf.function(tf.add), line, line + 1.0)}
    for dtype in (tf.float32, tf.bfloat16):
        ways[dtype.name] = functools.partial(tf.function(tf.matmul), tf.cast(square, dtype), tf.cast(square, dtype))
    spent, _ = measuring.seconds(ways, ROUNDS)
    bandwidth = 3 * LENGTH * line.dtype.size / min(spent["sum"])  # two are read, one is written
    for dtype in (tf.float32, tf.bfloat16):
        rate = 2 * SIZE**3 / min(spent[dtype.name])
        traffic = PASSES * values * dtype.size
        measuring.emit(
            "limits", dtype=dtype.name, mflop_an_image=operations / 1e6, mb_an_image=traffic / 1e6,
            gflop_a_cpu_second=rate / 1e9, gb_a_cpu_second=bandwidth / 1e9,
            operations_cpu_ms=1e3 * operations / rate, traffic_cpu_ms=1e3 * traffic / bandwidth,
        )  # fmt: skip


if __name__ == "__main__":
    main()
