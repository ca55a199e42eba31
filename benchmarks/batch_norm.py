"""CPU time of three implementations of batch norm and ReLU, forward and backward.

    python benchmarks/batch_norm.py

Prints a JSON line for each shape and precision. The matrix products, for several replicas, support float32 only.
"""

import functools
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import measuring
import numpy as np
import tensorflow as tf
from absl import app

from rdl.models.batch_norm import normalize_fused, normalize_over_replicas

SHAPES = [(64, 32, 32, 32), (64, 16, 16, 32), (64, 8, 8, 64), (64, 512)]
REPEATS = 15


def keras_layer(shape, dtype):
    policy = "mixed_bfloat16" if dtype == tf.bfloat16 else "float32"
    layer = keras.layers.BatchNormalization(epsilon=1e-5, dtype=policy)
    layer.build(shape)
    return lambda x, gamma, beta: tf.nn.relu(layer(x, training=True))


def forward_and_back(way):
    """A traced function of both passes."""

    @tf.function
    def both(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = way(inputs, tf.ones(inputs.shape[-1]), tf.zeros(inputs.shape[-1]))
        return tape.gradient(outputs, inputs, output_gradients=inputs)

    return both


def main(_):
    measuring.emit_machine("batch_norm")
    for shape in SHAPES:
        for dtype in (tf.float32, tf.bfloat16):
            inputs = tf.cast(np.random.default_rng(0).normal(size=shape), dtype)
            ways = {
                "keras": keras_layer(shape, dtype),
                "fused": lambda *a: normalize_fused(*a, 1e-5, True)[0],
            }
            if dtype == tf.float32:
                ways["matrix_products"] = lambda *a: normalize_over_replicas(*a, 1e-5, True)[0]
            calls = {name: functools.partial(forward_and_back(way), inputs) for name, way in ways.items()}
            spent = measuring.measure(calls, REPEATS)
            each = {
                f"{name}_ms": 1e3 * statistics.median(each.cpu for each in values) for name, values in spent.items()
            }
            measuring.emit("batch_norm", shape=shape, dtype=dtype.name, **each)


if __name__ == "__main__":
    app.run(main)
