"""Posteriors of weak supervision by pairs, against closed forms and numpy."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives import paired
from rdl.models.objectives.objective import ForwardPass

LATENTS = 5


def applied(objective, means, log_variances):
    posterior = objective.pairing(DiagonalNormal(tf.constant(means), tf.constant(log_variances)))
    return posterior.loc.numpy(), posterior.log_variance.numpy()


def in_numpy(means, log_variances, product, shared=None, symmetric=False, doubled=1.0):
    """Loops over pairs and latents, in variances. The first `shared` latents are shared, or adaptively chosen ones."""
    new_means, new_variances = means.copy(), np.exp(log_variances)
    for i in range(0, len(means) - 1, 2):
        (m, n), (v, w) = means[i : i + 2], np.exp(log_variances[i : i + 2])
        kl = [(np.log(w[k] / v[k]) + (v[k] + (m[k] - n[k]) ** 2) / w[k] - 1) / 2 for k in range(LATENTS)]
        if symmetric:
            kl = [kl[k] + (np.log(v[k] / w[k]) + (w[k] + (m[k] - n[k]) ** 2) / v[k] - 1) / 2 for k in range(LATENTS)]
        for k in range(LATENTS):
            if not (k < shared if shared is not None else kl[k] < (max(kl) + min(kl)) / 2):
                continue
            if product:
                variance = 1 / (1 / v[k] + 1 / w[k])
                new_means[i : i + 2, k] = variance * (m[k] / v[k] + n[k] / w[k])
                new_variances[i : i + 2, k] = variance * doubled
            else:
                new_means[i : i + 2, k], new_variances[i : i + 2, k] = (m[k] + n[k]) / 2, (v[k] + w[k]) / 2
    return new_means, np.log(new_variances)


@pytest.mark.parametrize("rows", [8, 9, 1])
@pytest.mark.parametrize(
    ("objective", "settings"),
    [
        (paired.ada_gvae(), {"product": False}),
        (paired.ada_gvae(symmetric=True), {"product": False, "symmetric": True}),
        (paired.ada_mlvae(), {"product": True}),
        (paired.ada_mlvae(mean_precision=True), {"product": True, "doubled": 2.0}),
        (paired.group_vae(shared=2), {"product": False, "shared": 2}),
        (paired.ml_vae(shared=3), {"product": True, "shared": 3}),
        (paired.ml_vae(shared=3, mean_precision=True), {"product": True, "shared": 3, "doubled": 2.0}),
    ],
)  # fmt: skip
def test_posteriors_of_pairs(objective, settings, rows):
    random = np.random.default_rng(rows)
    means, log_variances = random.normal(size=(2, rows, LATENTS)) * [[[1.5]], [[1.0]]]
    found = applied(objective, means, log_variances)
    expected = in_numpy(means, log_variances, **settings)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    if rows == 1:
        np.testing.assert_array_equal(found[0], means)  # without a partner


def test_both_averages_of_two_normals_in_closed_form():
    """N(0, 1) and N(3, 1/2): averaged N(1.5, 0.75), their product N(2, 1/3)."""
    first = tf.constant([[0.0]]), tf.constant([[0.0]])
    second = tf.constant([[3.0]]), tf.math.log([[0.5]])
    for average, mean, variance in (
        (paired.averaged, 1.5, 0.75),
        (paired.multiplied(False), 2.0, 1 / 3),
        (paired.multiplied(True), 2.0, 2 / 3),
    ):
        found = average(first, second)
        np.testing.assert_allclose([found[0][0, 0], tf.exp(found[1])[0, 0]], [mean, variance], rtol=1e-6)


def test_divergence_is_the_kl_of_two_normals():
    value = paired.divergence((tf.constant(1.0), tf.math.log(4.0)), (tf.constant(0.0), tf.math.log(1.0)))
    np.testing.assert_allclose(value, 0.5 * (4 + 1 - 1 - np.log(4)), rtol=1e-6)


def test_the_latent_that_differs_most_is_not_shared():
    means = np.array([[0.0, 5.0, 0.0], [0.1, -5.0, 0.2]], np.float32)
    log_variances = np.zeros_like(means)
    found, _ = applied(paired.ada_gvae(), means, log_variances)
    np.testing.assert_allclose(found, [[0.05, 5, 0.1], [0.05, -5, 0.1]], rtol=1e-6)
    same = np.repeat(means[:1], 2, axis=0)
    np.testing.assert_array_equal(applied(paired.ada_gvae(), same, log_variances)[0], same)


def test_only_the_asymmetric_kl_depends_on_the_order_of_a_pair():
    """Variances 1 and 100 in latent 1: KL 47 and 1.8 by direction; means 3 apart in latent 0: KL 4.5 in both."""
    means = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]], np.float32)
    log_variances = np.log(np.array([[1, 100, 1], [1, 1, 1]], np.float32))

    def own(objective, order):
        found, _ = applied(objective, means[order], log_variances[order])
        return bool(found[0, 0] != found[1, 0])

    assert [own(paired.ada_gvae(), order) for order in ([0, 1], [1, 0])] == [False, True]
    assert [own(paired.ada_gvae(symmetric=True), order) for order in ([0, 1], [1, 0])] == [False, False]


def test_the_loss_is_the_beta_vaes_of_the_averaged_posteriors():
    posterior = DiagonalNormal(tf.constant([[1.0, 0.0]]), tf.zeros((1, 2)))
    hyperparameters = {"beta": tf.constant(4.0)}
    forward = ForwardPass(posterior, posterior.loc, tf.constant([-7.0]), tf.constant(0), tf.constant(10.0))
    terms = paired.ada_gvae().terms(forward, hyperparameters)
    assert {name: float(term) for name, term in terms.items()} == {"reconstruction": 7.0, "weighted_kl": 4.0 * 0.5}


@pytest.mark.parametrize("factory", [paired.group_vae, paired.ml_vae])
def test_numbers_of_shared_latents_out_of_range_are_refused(factory):
    with pytest.raises(UserError, match="at least 1 latent, got shared = 0"):
        factory(shared=0)
    with pytest.raises(UserError, match="1 to 4 .*got shared = 5"):
        applied(factory(shared=5), np.zeros((2, LATENTS)), np.zeros((2, LATENTS)))


def test_gin_configures_them():
    gin.parse_config("ada_gvae.beta = 4.\nada_mlvae.mean_precision = True\ngroup_vae.shared = 2\nml_vae.beta = 2")
    assert paired.ada_gvae().hyperparameters == {"beta": 4.0}
    assert paired.ml_vae().hyperparameters == {"beta": 2}
