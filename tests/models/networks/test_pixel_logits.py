import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.models.networks.pixel_logits import PixelLogits, upsample
from rdl.models.saving.plain import to_plain_keras


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_the_transposed_convolution_with_its_gradients(channels):
    random = np.random.default_rng(0)
    inputs, kernel, upstream = (
        tf.constant(random.normal(size=shape)) for shape in ((3, 5, 4, 6), (4, 4, channels, 6), (3, 10, 8, channels))
    )
    results = []
    for way in (upsample, lambda x, w: tf.nn.conv2d_transpose(x, w, (3, 10, 8, channels), 2, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = way(inputs, kernel)
        results.append([outputs, *tape.gradient(outputs, [inputs, kernel], output_gradients=upstream)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_bfloat16_equals_float64_up_to_rounding():
    random = np.random.default_rng(1)
    inputs, kernel = (tf.cast(random.normal(size=shape), tf.bfloat16) for shape in ((2, 8, 8, 32), (4, 4, 1, 32)))
    wide = [tf.cast(each, tf.float64) for each in (inputs, kernel)]
    true = tf.nn.conv2d_transpose(*wide, (2, 16, 16, 1), 2, "SAME")
    outputs = tf.cast(upsample(inputs, kernel), tf.float64)
    np.testing.assert_allclose(outputs, true, rtol=1.01 * 2.0**-8, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_the_layer_equals_keras_layer(dtype):
    inputs = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 4, 8)), tf.float32)
    ours = PixelLogits(1, name="logits", dtype=dtype)
    theirs = keras.layers.Conv2DTranspose(1, 4, 2, "same", name="logits", dtype=dtype)
    ours.build(inputs.shape)
    theirs.build(inputs.shape)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        assert (a.name, a.shape, a.dtype) == (b.name, b.shape, b.dtype)
        a.assign(np.random.default_rng(3).normal(size=a.shape))
        b.assign(a)
    assert ours(inputs, training=True).dtype == theirs(inputs).dtype
    np.testing.assert_array_equal(tf.cast(ours(inputs), tf.float32), tf.cast(theirs(inputs), tf.float32))
    expected, tolerance = theirs(inputs), 1e-5
    if dtype == "mixed_bfloat16":  # in float64, as Keras' kernels round sums more than once on some processors
        kernel, bias, rounded = (tf.cast(tf.cast(x, tf.bfloat16), tf.float64) for x in (*theirs.weights, inputs))
        expected, tolerance = tf.nn.conv2d_transpose(rounded, kernel, (2, 8, 8, 1), 2, "SAME") + bias, 0.1
    outputs = tf.cast(ours(inputs, training=True), tf.float64)
    np.testing.assert_allclose(outputs, tf.cast(expected, tf.float64), atol=tolerance)


def test_a_saved_network_has_the_layer_and_a_plain_one_keras_layer(tmp_path):
    inputs = keras.Input((4, 4, 8))
    network = keras.Model(inputs, PixelLogits(3, name="logits")(inputs))
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert type(again.get_layer("logits")) is PixelLogits
    x = np.random.default_rng(4).normal(size=(2, 4, 4, 8)).astype(np.float32)
    translated = to_plain_keras(network)
    assert type(translated.get_layer("logits")) is keras.layers.Conv2DTranspose
    for other in (again, translated):
        np.testing.assert_array_equal(other(x), network(x))
