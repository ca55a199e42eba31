"""Checks every registered encoder and decoder, including future ones."""

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.initialization import initialize
from rdl.models.precision import policy
from tests.contract import discovery

LATENTS = 12
BATCHES = (2, 5)


def made(name: str, precision: str = "float32", channels: int = 1) -> keras.Model:
    """The network for the smallest images that it accepts, with weights from a seed."""
    refused: list[UserError] = []
    for size in (8, 16, 32, 64):
        for levels in (3, 4):
            gin.clear_config()
            gin.bind_parameter("levels.count", levels)
            try:
                with policy(precision):
                    network = discovery.networks()[name]((size, size, channels), LATENTS)
                initialize(network, 3)
                return network
            except UserError as error:
                refused.append(error)
    raise AssertionError(f"{name} takes no images of 8 to 64 pixels: {refused[-1]}")


def is_encoder(network: keras.Model) -> bool:
    return len(network.inputs[0].shape) == 4


def extremes(network: keras.Model, batch: int) -> list[tf.Tensor]:
    """All-black and all-white images; latents of 100, and the most distant latents of log variances of 60."""
    shape = (batch, *network.inputs[0].shape[1:])
    if is_encoder(network):
        return [tf.zeros(shape), tf.ones(shape)]
    return [tf.zeros(shape), tf.fill(shape, 100.0), tf.fill(shape, -100.0 - 5.42 * np.exp(30.0).astype(np.float32))]


@pytest.fixture(scope="module", params=sorted(discovery.networks()))
def name(request):
    return request.param


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_values_and_gradients_are_finite_and_shapes_as_promised(name, precision):
    network = made(name, precision, channels=3)
    for batch in BATCHES:
        for inputs in extremes(network, batch):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = keras.tree.flatten(network(inputs, training=True))
                loss = tf.add_n([tf.reduce_mean(tf.cast(output, tf.float32)) for output in outputs])
            gradients = tape.gradient(loss, [inputs, *(v.value for v in network.trainable_variables)])
            for tensor in (*outputs, *gradients):
                assert np.isfinite(tf.cast(tensor, tf.float32)).all()
            if is_encoder(network):
                assert [tuple(output.shape) for output in outputs] == [(batch, LATENTS)] * 2
            else:
                size = outputs[0].shape[1]
                assert [tuple(output.shape) for output in outputs] == [(batch, size, size, 3)]
    assert all(v.dtype == "float32" for v in network.weights)


def test_weights_are_equal_for_equal_seeds_only(name):
    first, same = made(name), made(name)
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    initialize(same, 4)
    assert all((a != b).any() for a, b in zip(first.get_weights(), same.get_weights(), strict=True) if a.ndim > 1)


def test_a_network_read_from_disk_computes_the_same(name, tmp_path):
    network = made(name)
    for variable in network.weights:  # changes all weights, so that a lost one is detected
        variable.assign(variable + 0.01)
    network.save(tmp_path / "network.keras")
    read = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    inputs = np.random.default_rng(0).random((3, *network.inputs[0].shape[1:]), np.float32)
    for a, b in zip(keras.tree.flatten(network(inputs)), keras.tree.flatten(read(inputs)), strict=True):
        np.testing.assert_array_equal(a, b)
