import numpy as np
import tensorflow as tf

from rdl.models.objectives.total_correlation import minibatch_weighted_log_densities


def brute_force(z, means, log_variances, size):
    """Minibatch-weighted sampling by loops, in float64."""

    def density(i, j, k):
        variance = np.exp(log_variances[j, k])
        return np.exp(-((z[i, k] - means[j, k]) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    rows, batch, latents = len(z), len(means), z.shape[1]
    joint, product = np.zeros(rows), np.zeros(rows)
    for i in range(rows):
        each = np.array([[density(i, j, k) for k in range(latents)] for j in range(batch)])
        joint[i] = np.log(each.prod(axis=1).sum() / (batch * size))
        product[i] = np.log(each.sum(axis=0) / (batch * size)).sum()
    return joint, product


def made_batch(rows=7, batch=9, latents=4, seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(size=(rows, latents))
    return z, random.normal(size=(batch, latents)), random.normal(size=(batch, latents)) - 1


def test_equals_brute_force_in_float64():
    z, means, log_variances = made_batch()
    found = minibatch_weighted_log_densities(
        tf.constant(z), tf.constant(means), tf.constant(log_variances), tf.constant(1000.0, tf.float64)
    )
    for ours, theirs in zip(found, brute_force(z, means, log_variances, 1000), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_float32_survives_densities_that_underflow():
    z, means, log_variances = made_batch()
    z, log_variances = z * 100, log_variances - 5  # exp(-1e6) is 0 even in float64
    arguments = [tf.constant(a, tf.float32) for a in (z, means, log_variances, 1000.0)]
    exact = minibatch_weighted_log_densities(*[tf.constant(a, tf.float64) for a in (z, means, log_variances, 1e3)])
    for ours, theirs in zip(minibatch_weighted_log_densities(*arguments), exact, strict=True):
        assert np.isfinite(theirs).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_gradients_equal_finite_differences():
    arrays = made_batch(rows=5, batch=6, latents=3)
    weights = np.random.default_rng(1).normal(size=(2, 5))

    def value(*arguments):
        joint, product = minibatch_weighted_log_densities(*arguments, tf.constant(50.0, tf.float64))
        return tf.reduce_sum(weights[0] * joint + weights[1] * product)

    theoretical, numerical = tf.test.compute_gradient(value, [tf.constant(a) for a in arrays], delta=1e-5)
    for ours, theirs in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)
