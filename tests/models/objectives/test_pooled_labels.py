"""Labels in the loss against numpy in float64."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from rdl.errors import UserError
from rdl.models.objectives import pooled_labels
from rdl.models.objectives.objective import beta_tc_vae


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


def test_without_labels_nothing_is_added(arrays):
    objective = pooled_labels.pooled_labels(beta_tc_vae)
    values = {name: tf.constant(value) for name, value in objective.hyperparameters.items()}
    terms = objective.batch_supervision(tf.constant(arrays[0], tf.float32), tf.zeros((64, 0)), values)
    assert {name: float(term) for name, term in terms.items()} == {"weighted_imitation": 0.0, "weighted_leakage": 0.0}


def test_an_objective_with_labels_is_refused():
    with pytest.raises(UserError, match="pooled_labels"):
        pooled_labels.pooled_labels(lambda: pooled_labels.pooled_labels(beta_tc_vae))
    with pytest.raises(UserError, match="pooled_labels.objective"):
        pooled_labels.pooled_labels()
