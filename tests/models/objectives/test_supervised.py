"""The supervised term of few labels, against loops in plain Python and closed forms."""

import math

import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.objectives import supervised
from rdl.models.objectives.factor_vae import FactorObjective, factor_vae
from rdl.models.objectives.objective import beta_tc_vae
from rdl.models.objectives.paired import ada_gvae

ROWS, LATENTS, FACTORS = 7, 4, 3
RANDOM = np.random.default_rng(0)
MEANS = RANDOM.normal(size=(ROWS, LATENTS))
LABELS = RANDOM.random((ROWS, FACTORS))
SOME = np.where(RANDOM.random((ROWS, FACTORS)) < 0.4, np.nan, LABELS)
KINDS = ("cross_entropy", "l2", "covariance", "covariance_to_identity")


def logistic(x):
    return 1 / (1 + math.exp(-x))


def by_hand(kind, means, labels):
    """Loops over factors and the images whose label is known."""
    total = 0.0
    for j in range(labels.shape[1]):
        known = [n for n in range(len(labels)) if not math.isnan(labels[n, j])]
        if kind in ("cross_entropy", "l2"):
            for n in known:
                p, v = logistic(means[n, j]), labels[n, j]
                cost = (p - v) ** 2 if kind == "l2" else -v * math.log(p) - (1 - v) * math.log(1 - p)
                total += cost / len(known)
            continue
        factor = [math.sqrt(12) * labels[n, j] for n in known]
        for k in range(means.shape[1]):
            latent = [means[n, k] for n in known]
            covariance = np.mean(np.multiply(latent, factor)) - np.mean(latent) * np.mean(factor)
            if k != j:
                total += covariance**2
            elif kind == "covariance_to_identity":
                total += (covariance - 1) ** 2
    return total


def supervision(kind):
    return supervised.few_labels(beta_tc_vae, kind).supervision


@pytest.mark.parametrize("labels", [LABELS, SOME, LABELS[:, :1]], ids=["all", "some", "one factor"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients(kind, labels):
    means = tf.constant(MEANS)
    with tf.GradientTape() as tape:
        tape.watch(means)
        found = supervision(kind)(means, tf.constant(labels))
    assert float(found) == pytest.approx(by_hand(kind, MEANS, labels), rel=1e-6)
    gradient = tape.gradient(found, means).numpy()
    for n, k in ((0, 0), (3, 1), (5, LATENTS - 1)):
        up, down = MEANS.copy(), MEANS.copy()
        up[n, k], down[n, k] = MEANS[n, k] + 1e-5, MEANS[n, k] - 1e-5
        slope = (by_hand(kind, up, labels) - by_hand(kind, down, labels)) / 2e-5
        assert gradient[n, k] == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_closed_forms():
    """Means of 0 predict 1/2 for each factor; latents that are the scaled factors have the identity as covariance."""
    zero, half = tf.zeros((2, 2), tf.float64), tf.constant([[0.5, 1.0], [0.5, 0.0]], tf.float64)
    assert float(supervised.cross_entropy(zero, half)) == pytest.approx(2 * math.log(2))
    assert float(supervised.squared_error(zero, half)) == pytest.approx(0.25)
    both = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)  # of variance 1/4, independent
    latents = tf.constant(np.c_[both * 4 / math.sqrt(12), np.ones(4)])
    assert float(supervision("covariance_to_identity")(latents, tf.constant(both))) == pytest.approx(0, abs=1e-12)
    assert float(supervision("covariance_to_identity")(-latents, tf.constant(both))) == pytest.approx(8)
    assert float(supervision("covariance")(latents, tf.constant(both))) == pytest.approx(0, abs=1e-12)
    swapped = tf.reverse(latents[:, :2], [1])
    assert float(supervision("covariance")(swapped, tf.constant(both))) == pytest.approx(2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_labels_has_no_gradient_and_distant_latents_are_finite(kind):
    means = tf.constant(MEANS, tf.float32)
    unknown = tf.fill((ROWS, FACTORS), np.float32(np.nan))
    with tf.GradientTape() as tape:
        tape.watch(means)
        found = supervision(kind)(means, unknown)
    nothing = FACTORS if kind == "covariance_to_identity" else 0.0  # a constant: no gradient
    assert float(found) == nothing and not tape.gradient(found, means).numpy().any()
    far = tf.constant(np.sign(MEANS) * 100.0, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(far)
        found = supervision(kind)(far, tf.constant(LABELS, tf.float32))
    assert np.isfinite(found) and np.isfinite(tape.gradient(found, far)).all()


def test_the_unsupervised_objective_keeps_its_model_and_pairing():
    gin.parse_config("few_labels.objective = @factor_vae\nfactor_vae.gamma = 7.0\nfew_labels.gamma_sup = 3.0")
    found = supervised.few_labels()
    assert isinstance(found, FactorObjective) and found.model is not None
    assert found.hyperparameters == {"gamma": 7.0, "gamma_sup": 3.0}
    assert supervised.few_labels(ada_gvae).pairing is not None
    assert factor_vae().supervision is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "got none: set few_labels.objective = @beta_tc_vae"),
        ({"objective": beta_tc_vae, "kind": "l1"}, "cross_entropy, l2, covariance, covariance_to_identity, got 'l1'"),
        ({"objective": lambda: supervised.few_labels(beta_tc_vae)}, "must be unsupervised"),
        ({"objective": supervised.few_labels}, "must be unsupervised"),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        supervised.few_labels(**settings)


def test_few_labels_cannot_be_its_own_objective():
    for reference in ("few_labels", "inner/few_labels"):
        gin.clear_config()
        gin.parse_config(f"few_labels.objective = @{reference}")
        with pytest.raises(UserError, match="must be unsupervised"):
            supervised.few_labels()
