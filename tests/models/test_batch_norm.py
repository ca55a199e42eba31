from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.models.batch_norm import BatchNormalization, normalize_fused, normalize_over_replicas


@pytest.mark.parametrize("shape", [(6, 4, 5, 3), (9, 4)])
def test_equals_keras_in_training_and_inference(shape):
    random = np.random.default_rng(0)
    ours = BatchNormalization(relu=True, momentum=0.8, epsilon=1e-3)
    theirs = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3)
    results = []
    x = tf.constant(random.normal(2.0, 3.0, size=shape).astype(np.float32))
    weights = tf.constant(random.normal(size=shape).astype(np.float32))
    for layer, activation in ((ours, tf.identity), (theirs, tf.nn.relu)):
        layer.build(shape)
        layer.gamma.assign(np.linspace(0.5, 2, shape[-1]))
        layer.beta.assign(np.linspace(-1, 1, shape[-1]))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = activation(layer(x, training=True))
            loss = tf.reduce_sum(y * weights)
        gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
        inference = activation(layer(x, training=False))
        results.append([y, inference, *gradients, layer.moving_mean.value, layer.moving_variance.value])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("relu", [False, True])
def test_gradient_equals_finite_differences(relu):
    random = np.random.default_rng(1)
    x, gamma, beta = random.normal(1.0, 2.0, size=(7, 3)), random.normal(size=3), random.normal(size=3)
    weights = random.normal(size=(7, 3))

    def loss(x, gamma, beta):
        return tf.reduce_sum(normalize_over_replicas(x, gamma, beta, 1e-5, relu)[0] * weights)

    arguments = [tf.constant(a) for a in (x, gamma, beta)]
    theoretical, numerical = tf.test.compute_gradient(loss, arguments, delta=1e-6)
    for ours, theirs in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


BOTH = pytest.mark.parametrize("normalize", [normalize_fused, normalize_over_replicas])


@BOTH
@pytest.mark.parametrize("shape", [(6, 4, 5, 3), (9, 3)])
def test_both_implementations_equal_the_formula(normalize, shape):
    random = np.random.default_rng(3)
    x, gamma, beta = random.normal(2, 3, size=shape), np.array([0.5, 1, 2]), np.array([-1.0, 0, 1])
    axes = tuple(range(len(shape) - 1))
    expected = (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) * gamma + beta
    outputs, mean, variance = normalize(*[tf.constant(a, tf.float32) for a in (x, gamma, beta)], 1e-5, True)
    np.testing.assert_allclose(outputs, np.maximum(expected, 0), atol=1e-5)
    np.testing.assert_allclose(mean, x.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var(axes), rtol=1e-5)


def test_both_implementations_have_the_same_gradients():
    random = np.random.default_rng(4)
    x, weights = tf.constant(random.normal(size=(2, 8, 4, 4, 3)), tf.float32)
    gamma, beta = tf.constant([0.5, 1, 2]), tf.constant([-1.0, 0, 1])
    gradients = []
    for normalize in (normalize_fused, normalize_over_replicas):
        with tf.GradientTape() as tape:
            tape.watch([x, gamma, beta])
            loss = tf.reduce_sum(weights * normalize(x, gamma, beta, 1e-5, True)[0])
        gradients.append(tape.gradient(loss, [x, gamma, beta]))
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@BOTH
def test_variance_of_nearly_constant_channels_does_not_cancel(normalize):
    x = 1000.0 + 0.01 * np.random.default_rng(2).normal(size=(512, 2))
    _, mean, variance = normalize(tf.constant(x, tf.float32), tf.ones(2), tf.zeros(2), 1e-5, False)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variance, x.astype(np.float32).var(axis=0), rtol=0.05)


def float64_with_gradients(x, gamma, beta, weights, epsilon=1e-5):
    """Output, moments and gradients of sum(weights * output) by the textbook's formulas in float64, per channel."""
    axes = tuple(range(x.ndim - 1))
    mean, variance, count = x.mean(axes), x.var(axes), x.size / x.shape[-1]
    inverse = 1 / np.sqrt(variance + epsilon)
    normalized = (x - mean) * inverse
    outputs = np.maximum(normalized * gamma + beta, 0)
    upstream = weights * (outputs > 0)
    d_gamma, d_beta = (upstream * normalized).sum(axes), upstream.sum(axes)
    d_x = gamma * inverse * (upstream - d_beta / count - normalized * d_gamma / count)
    return outputs, mean, variance, d_x, d_gamma, d_beta


@pytest.mark.parametrize("shape", [(16, 8, 8, 32), (64, 48)])
def test_bfloat16_equals_the_formula_up_to_rounding(shape):
    random = np.random.default_rng(5)
    x, weights = (tf.cast(random.normal(1, 2, size=shape), tf.bfloat16) for _ in range(2))
    gamma, beta = np.linspace(0.5, 2, shape[-1]), np.linspace(-1, 1, shape[-1])
    layer = BatchNormalization(relu=True, momentum=0.0, dtype="mixed_bfloat16")
    layer.build(shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)

    @tf.function
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
        gradients = tape.gradient(outputs, [x, layer.gamma.value, layer.beta.value], output_gradients=weights)
        return outputs, *gradients

    outputs, d_x, d_gamma, d_beta = compute(x)
    assert (outputs.dtype, d_x.dtype, d_gamma.dtype) == (tf.bfloat16, tf.bfloat16, tf.float32)
    wide = (tf.cast(a, tf.float64).numpy() for a in (x, gamma, beta, weights))
    true = float64_with_gradients(*wide)
    rounding = 2.0**-8  # half of the distance between two numbers of 8 bits, relative to the smaller one
    np.testing.assert_allclose(tf.cast(outputs, tf.float64), true[0], rtol=1.01 * rounding, atol=1e-6)
    np.testing.assert_allclose(layer.moving_mean.numpy(), true[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), true[2], rtol=1e-5)
    np.testing.assert_allclose(tf.cast(d_x, tf.float64), true[3], rtol=1.01 * rounding, atol=1e-5)
    np.testing.assert_allclose(d_gamma, true[4], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(d_beta, true[5], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_the_graph_optimiser_fuses_norm_and_relu(dtype):
    if not any(name in Path("/proc/cpuinfo").read_text() for name in ("avx512_vnni", "avx_vnni", "amx_bf16")):
        pytest.skip("TensorFlow leaves oneDNN's kernels off on this processor")
    layer = BatchNormalization(relu=True, dtype=dtype)
    layer.build((None, 8, 8, 32))
    options, found = tf.compat.v1.RunOptions(output_partition_graphs=True), tf.compat.v1.RunMetadata()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.compat.v1.placeholder(layer.compute_dtype, (None, 8, 8, 32))
        gamma, beta = (tf.compat.v1.placeholder(tf.float32, (32,)) for _ in range(2))
        outputs = tf.identity(normalize_fused(images, gamma, beta, 1e-5, True)[0])
        values = {images: np.ones((4, 8, 8, 32)), gamma: np.ones(32), beta: np.ones(32)}
        session.run(outputs, values, options=options, run_metadata=found)
    operations = {node.op for graph in found.partition_graphs for node in graph.node}
    assert "Relu" not in operations
    assert any(name.endswith("FusedBatchNormEx") for name in operations), operations
