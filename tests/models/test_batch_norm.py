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
def test_both_ways_equal_the_formula(normalize, shape):
    random = np.random.default_rng(3)
    x, gamma, beta = random.normal(2, 3, size=shape), np.array([0.5, 1, 2]), np.array([-1.0, 0, 1])
    axes = tuple(range(len(shape) - 1))
    expected = (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) * gamma + beta
    outputs, mean, variance = normalize(*[tf.constant(a, tf.float32) for a in (x, gamma, beta)], 1e-5, True)
    np.testing.assert_allclose(outputs, np.maximum(expected, 0), atol=1e-5)
    np.testing.assert_allclose(mean, x.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var(axes), rtol=1e-5)


def test_both_ways_have_the_same_gradients():
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
