"""Labels in the loss against numpy in float64."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from rdl.errors import UserError
from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives import pooled_labels
from rdl.models.objectives.objective import ForwardPass, beta_tc_vae


def between_classes(means, latent):
    """Adjusted variance of each latent between the classes of one of them, in numpy."""
    classes = stats.rankdata(means[:, latent], method="ordinal").astype(int) - 1
    groups = [means[classes * 10 // len(means) == c] for c in range(10)]
    between = sum(len(g) * (g.mean(axis=0) - means.mean(axis=0)) ** 2 for g in groups) / len(means)
    within = means.var(axis=0) - between
    return between - (len(groups) - 1) / (len(means) - len(groups)) * within


@pytest.fixture
def arrays():
    random = np.random.default_rng(3)
    means, labels = random.normal(size=(64, 5)), random.normal(size=(64, 2))
    means[:, 3] += np.cos(2 * means[:, 0])  # a relation without correlation
    return means, labels


def test_leakage_is_the_adjusted_variance_between_classes(arrays):
    means, _ = arrays
    found = pooled_labels.leakage(tf.constant(means), 2).numpy()
    wanted = sum(np.delete(between_classes(means, latent), latent).sum() for latent in (0, 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_leakage_of_independent_latents_is_zero_on_average():
    random, found = np.random.default_rng(0), []
    for _ in range(200):
        found.append(pooled_labels.leakage(tf.constant(random.normal(size=(64, 6))), 3).numpy())
    assert abs(np.mean(found)) < 4 * np.std(found) / 200**0.5


def test_leakage_sees_a_relation_without_correlation():
    angles = np.linspace(-2, 2, 200)
    means = np.stack([angles, np.cos(3 * angles)], axis=1)
    assert pooled_labels.leakage(tf.constant(means), 1).numpy() > 0.7 * means[:, 1].var()


def test_leakage_has_no_gradient_through_the_classes(arrays):
    means = tf.Variable(arrays[0])
    with tf.GradientTape() as tape:
        loss = pooled_labels.leakage(means, 1)
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
