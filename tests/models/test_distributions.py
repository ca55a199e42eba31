import numpy as np
import tensorflow as tf
from scipy import integrate, stats
from tensorflow_probability import distributions as tfd

from rdl.models.distributions import DiagonalNormal, bernoulli_image, kl_to_prior, normal_log_prob, prior_like

MEANS = np.array([[0.0, 1.5, -2.0], [0.3, -0.1, 4.0]])
LOG_VARIANCES = np.array([[0.0, -4.0, 1.0], [-1.0, 0.5, -2.0]])


def test_kl_equals_the_integral_and_tfp():
    ours = kl_to_prior(tf.constant(MEANS), tf.constant(LOG_VARIANCES)).numpy()
    theirs = tfd.Normal(MEANS, np.exp(LOG_VARIANCES / 2)).kl_divergence(tfd.Normal(np.float64(0), np.float64(1)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for mean, log_variance, kl in zip(MEANS.ravel(), LOG_VARIANCES.ravel(), ours.ravel(), strict=True):
        q, p = stats.norm(mean, np.exp(log_variance / 2)), stats.norm()
        integral, _ = integrate.quad(
            lambda x, q=q, p=p: q.pdf(x) * (q.logpdf(x) - p.logpdf(x)), mean - 20, mean + 20, points=[mean]
        )
        np.testing.assert_allclose(kl, integral, rtol=1e-6, atol=1e-9)


def test_kl_of_an_inactive_and_a_sharp_latent():
    np.testing.assert_allclose(kl_to_prior(tf.constant(0.0), tf.constant(0.0)), 0.0)
    np.testing.assert_allclose(kl_to_prior(tf.constant(0.0), tf.constant(-4.0)), (np.exp(-4) + 3) / 2, rtol=1e-6)


def test_log_probabilities_equal_scipy():
    z = np.array([[0.1, 1.4, -3.0], [2.0, 0.0, 3.5]])
    logpdf = stats.norm(MEANS, np.exp(LOG_VARIANCES / 2)).logpdf(z)
    np.testing.assert_allclose(normal_log_prob(z, tf.constant(MEANS), tf.constant(LOG_VARIANCES)), logpdf, rtol=1e-12)
    posterior = DiagonalNormal(tf.constant(MEANS), tf.constant(LOG_VARIANCES))
    np.testing.assert_allclose(posterior.log_prob(z), logpdf.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(prior_like(tf.constant(z)).log_prob(z), stats.norm.logpdf(z).sum(axis=1), rtol=1e-12)


def test_posterior_is_exact_where_its_variance_underflows():
    posterior = DiagonalNormal(tf.zeros((1, 2)), tf.constant([[-150.0, 0.0]]))
    np.testing.assert_allclose(posterior.log_prob(tf.zeros((1, 2))), [75 - np.log(2 * np.pi)], rtol=1e-6)


def test_posterior_is_a_tfp_distribution():
    posterior = DiagonalNormal(tf.constant(MEANS), tf.constant(LOG_VARIANCES))
    np.testing.assert_allclose(posterior.mean(), MEANS)
    np.testing.assert_allclose(posterior.variance(), np.exp(LOG_VARIANCES))
    assert posterior.sample(5, seed=(0, 1)).shape == (5, 2, 3)
    assert posterior[1].batch_shape == () and posterior[:1].batch_shape == posterior[..., 1:].batch_shape == (1,)
    np.testing.assert_array_equal(posterior[1].log_variance, LOG_VARIANCES[1])
    np.testing.assert_array_equal(posterior.copy(loc=tf.zeros((2, 3), tf.float64)).mean(), np.zeros((2, 3)))


def test_bernoulli_equals_tfp_and_accepts_grey_levels():
    random = np.random.default_rng(0)
    logits = tf.constant(random.normal(size=(3, 4, 5, 2)) * 5)
    ours = bernoulli_image(logits)
    assert ours.event_shape == (4, 5, 2)
    binary = random.integers(0, 2, size=(3, 4, 5, 2)).astype(np.float64)
    theirs = tfd.Independent(tfd.Bernoulli(logits=logits, dtype=tf.float64), 3)
    np.testing.assert_allclose(ours.log_prob(binary), theirs.log_prob(binary), rtol=1e-12)
    np.testing.assert_allclose(ours.mean(), tf.sigmoid(logits), rtol=1e-12)
    grey, p = random.random((3, 4, 5, 2)), 1 / (1 + np.exp(-logits.numpy()))
    expected = (grey * np.log(p) + (1 - grey) * np.log(1 - p)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(ours.log_prob(grey), expected, rtol=1e-9)
