"""Labels: the posterior means of latents above the KL threshold."""

import gin
import numpy as np
import pytest
from scipy import integrate, optimize, stats

from rdl.errors import NonFiniteError, UserError
from rdl.posterior import LEARNED_KL, mean_kl_to_prior
from rdl.recursion import label


def test_kl_is_the_integral_of_log_ratio():
    mean, log_variance = 0.7, -1.3
    q, p = stats.norm(mean, np.exp(log_variance / 2)), stats.norm()
    integral, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -10, 10)
    np.testing.assert_allclose(mean_kl_to_prior([[mean]], [[log_variance]]), [integral], rtol=1e-8)


def test_kl_is_computed_per_image_and_then_averaged():
    means, log_variances = np.zeros((2, 1)), np.array([[-4.0], [0.0]])
    expected = 0.5 * (np.exp(-4) + 4 - 1) / 2
    np.testing.assert_allclose(mean_kl_to_prior(means, log_variances), [expected])


def test_kl_at_log_variance_minus_four_is_two():
    # mean^2 = 1 - variance: the aggregate of the latent has the prior's variance
    means = np.sqrt(1 - np.exp(-4)) * np.array([[1.0], [-1.0]])
    np.testing.assert_allclose(mean_kl_to_prior(means, np.full((2, 1), -4.0)), [2.0])


@pytest.mark.parametrize(("reference", "true_kl"), [(1.0, LEARNED_KL), (0.01, 0.0101)])
def test_the_default_threshold_equals_the_reference_threshold_on_the_scale_of_the_true_kl(reference, true_kl):
    def estimate(
        s,
    ):  # the reference's estimate for a latent with the prior's variance: abs(ln s) in place of the log variance
        return 0.5 * (1 - s**2 + np.exp(abs(np.log(s))) - abs(np.log(s)) - 1)

    s = optimize.brentq(lambda s: estimate(s) - reference, 0.01, 1 - 1e-6)
    fills_the_prior = np.sqrt(1 - s**2) * np.array([[1.0], [-1.0]])
    (kl,) = mean_kl_to_prior(fills_the_prior, np.full((2, 1), 2 * np.log(s)))
    np.testing.assert_allclose([kl, -np.log(s)], true_kl, atol=5e-6 if reference == 1.0 else 5e-5)


def test_only_latents_above_the_default_threshold_become_labels():
    means = np.random.default_rng(0).choice([-1.0, 1.0], (100, 2))
    s = np.exp(-LEARNED_KL - np.array([-1e-3, 1e-3]))
    assert label(means * np.sqrt(1 - s**2), np.broadcast_to(2 * np.log(s), (100, 2))).latents == (1,)


def test_labels_are_the_means_of_the_learned_latents():
    generator = np.random.default_rng(0)
    means = generator.standard_normal((500, 4)) * [1.0, 0.01, 1.0, 0.3]
    log_variances = np.broadcast_to([-4.0, 0.0, -3.0, 0.0], (500, 4))
    labels = label(means, log_variances)
    assert labels.latents == (0, 2)
    assert labels.values.dtype == np.float32
    np.testing.assert_array_equal(labels.values, means[:, [0, 2]].astype(np.float32))
    np.testing.assert_allclose(labels.kl, mean_kl_to_prior(means, log_variances))


def test_threshold_is_set_by_gin():
    means, log_variances = np.random.default_rng(0).standard_normal((500, 2)) * [1, 0.6], np.full((500, 2), -2.6)
    assert label(means, log_variances).latents == (0,)
    gin.bind_parameter("label.kl_threshold", 0.1)
    assert label(means, log_variances).latents == (0, 1)


def test_constant_latent_is_never_a_label():
    means = np.stack([np.full(50, 3.0), np.linspace(-2, 2, 50)], axis=1)
    assert label(means, np.full((50, 2), -2.0)).latents == (1,)


def test_no_learned_latent_gives_no_labels():
    labels = label(np.zeros((20, 3)), np.zeros((20, 3)))
    assert labels.latents == ()
    assert labels.values.shape == (20, 0)
    assert labels.kl == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_non_finite_posterior_names_the_latent(bad, which):
    posterior = np.zeros((2, 5, 3))
    posterior[which, 4, 1] = bad
    with pytest.raises(NonFiniteError, match=r"latents \[1\]"):
        label(*posterior)


@pytest.mark.parametrize("shapes", [((5, 3), (5, 2)), ((5,), (5,)), ((0, 3), (0, 3))])
def test_mismatched_shapes_are_refused(shapes):
    with pytest.raises(UserError, match="same shape"):
        label(*map(np.zeros, shapes))
