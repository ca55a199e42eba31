"""Labels in the loss against numpy in float64."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from rdl.errors import UserError
from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives import pooled_labels
from rdl.models.objectives.objective import ForwardPass, beta_tc_vae


def between_classes(values, latent):
    """Adjusted variance of each column between ten quantile classes of another array, in numpy."""
    classes = stats.rankdata(latent, method="ordinal").astype(int) - 1
    groups = [values[classes * 10 // len(values) == c] for c in range(10)]
    between = sum(len(g) * (g.mean(axis=0) - values.mean(axis=0)) ** 2 for g in groups) / len(values)
    within = values.var(axis=0) - between
    return between - (len(groups) - 1) / (len(values) - len(groups)) * within


def explained(means, variances, latent):
    """What the latent tells of each latent: shares of its variance and of its squares' variance, in numpy."""
    aggregate = means.var(axis=0) + variances.mean(axis=0)
    squares = (means - means.mean(axis=0)) ** 2
    first, second = (between_classes(values, means[:, latent]) for values in (means, squares))
    return first / aggregate + second / (2 * aggregate**2)


def leakage(means, num_labels, variances=None):
    variances = np.full_like(means, 0.1) if variances is None else variances
    return pooled_labels.leakage(tf.constant(means), tf.constant(variances), num_labels).numpy()


@pytest.fixture
def arrays():
    random = np.random.default_rng(3)
    means, labels = random.normal(size=(64, 5)), random.normal(size=(64, 2))
    means[:, 3] += np.cos(2 * means[:, 0])  # a relation without correlation
    return means, labels


def test_leakage_is_the_share_of_the_moments_that_the_classes_explain(arrays):
    means, variances = arrays[0], np.random.default_rng(1).uniform(0.01, 1, size=arrays[0].shape)
    wanted = sum(np.delete(explained(means, variances, latent), latent).sum() for latent in (0, 1))
    np.testing.assert_allclose(leakage(means, 2, variances), wanted, rtol=1e-6)


def test_leakage_of_independent_latents_is_zero_on_average():
    random = np.random.default_rng(0)
    found = [leakage(random.normal(size=(64, 6)), 3) for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 200**0.5


def test_leakage_sees_a_relation_without_correlation():
    angles = np.linspace(-2, 2, 200)
    means = np.stack([angles, np.cos(3 * angles)], axis=1)
    assert leakage(means, 1, np.zeros_like(means)) > 0.7


def test_leakage_sees_a_spread_that_depends_on_the_latent():
    random = np.random.default_rng(0)
    latent, noise = random.uniform(-1, 1, size=4000), random.choice([-1, 1], size=4000)
    means = np.stack([latent, noise * (1.5 + latent)], axis=1)  # of mean 0 in every class
    shares = between_classes(means, latent)[1] / means[:, 1].var()
    assert shares < 0.01 and leakage(means, 1) > 0.2


def test_leakage_does_not_fall_when_the_encoder_shrinks_a_latent(arrays):
    means, variances = arrays[0], np.full_like(arrays[0], 0.1)
    scale = np.array([1, 1, 1, 0.1, 0.01])
    np.testing.assert_allclose(leakage(means * scale, 2, variances * scale**2), leakage(means, 2, variances), rtol=1e-6)


def test_a_latent_without_information_hardly_counts(arrays):
    inactive = arrays[0].copy()
    inactive[:, 3:] *= 1e-3
    apart = leakage(inactive, 1, np.ones_like(inactive)) - leakage(inactive[:, :3], 1, np.ones_like(inactive[:, :3]))
    assert abs(apart) < 1e-5


def test_leakage_has_no_gradient_through_the_classes(arrays):
    means = tf.Variable(arrays[0])
    with tf.GradientTape() as tape:
        loss = pooled_labels.leakage(means, tf.fill(means.shape, tf.constant(0.1, means.dtype)), 1)
    gradient = tape.gradient(loss, means).numpy()
    assert not gradient[:, 0].any() and gradient[:, 3].any()


def test_imitation_averages_each_label_over_the_images_that_carry_it(arrays):
    means, labels = arrays
    known = np.ones_like(labels)
    known[:20, 1] = 0
    found = pooled_labels.imitation(*map(tf.constant, (means, labels * known, known))).numpy()
    errors = 0.5 * (means[:, :2] - labels) ** 2
    np.testing.assert_allclose(found, errors[:, 0].mean() + errors[20:, 1].mean(), rtol=1e-12)


def forward_pass(means, updates=0):
    means = tf.constant(means, tf.float32)
    return ForwardPass(
        DiagonalNormal(means, tf.zeros_like(means)), means, means[:, 0], tf.constant(updates), tf.constant(64.0)
    )


def compute_terms(means, labels, updates=0, **settings):
    objective = pooled_labels.pooled_labels(beta_tc_vae, **settings)
    values = {name: tf.constant(float(value)) for name, value in objective.hyperparameters.items()}
    terms = objective.batch_supervision(forward_pass(means, updates), tf.constant(labels, tf.float32), values)
    return {name: float(term) for name, term in terms.items()}


def test_without_labels_nothing_is_added(arrays):
    assert compute_terms(arrays[0], np.zeros((64, 0))) == {"weighted_imitation": 0.0, "weighted_leakage": 0.0}


@pytest.mark.parametrize(("updates", "weight"), [(0, 8.0), (50, 5.0), (100, 2.0), (1000, 2.0)])
def test_the_weight_of_the_labels_falls_linearly(arrays, updates, weight):
    found = compute_terms(*arrays, updates, gamma_label=8.0, gamma_label_end=2.0, label_updates=100)
    errors = 0.5 * (arrays[0][:, :2] - arrays[1]) ** 2
    assert found["weighted_imitation"] == pytest.approx(weight * errors.mean(axis=0).sum(), rel=1e-5)


def test_an_objective_with_labels_is_refused():
    with pytest.raises(UserError, match="pooled_labels"):
        pooled_labels.pooled_labels(lambda: pooled_labels.pooled_labels(beta_tc_vae))
    with pytest.raises(UserError, match="pooled_labels.objective"):
        pooled_labels.pooled_labels()
