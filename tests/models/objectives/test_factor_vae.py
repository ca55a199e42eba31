import gin
import numpy as np
import tensorflow as tf
from scipy import special

from rdl.models import replicas
from rdl.models.build import build
from rdl.models.initialization import initialize
from rdl.models.networks.small import small_fc_decoder, small_fc_encoder
from rdl.models.objectives.factor_vae import (
    FactorVAE,
    discriminator_loss,
    factor_vae,
    fc_discriminator,
    permuted_latents,
)

SEED = tf.constant([3, 4])


def small_factor_vae():
    gin.parse_config("fc_discriminator.depth = 2\nfc_discriminator.width = 8")
    ensemble = build((4, 4, 1), encoder=small_fc_encoder, decoder=small_fc_decoder, objective=factor_vae, num_latents=3)
    initialize(ensemble.models[0], 0)
    return ensemble.models[0]


def numpy_dense(x, model, names, activation):
    for name in names:
        kernel, bias = (w.astype(np.float64) for w in model.get_layer(name).get_weights())
        x = x @ kernel + bias
        if name.startswith("dense"):
            x = activation(x)
    return x


def test_loss_equals_numpy():
    vae, gamma = small_factor_vae(), 7.0
    images = np.random.default_rng(0).random((10, 4, 4, 1)).astype(np.float32)
    losses = vae.losses(images, SEED, tf.constant(0), tf.constant(100.0), {"gamma": tf.constant(gamma)})

    relu, leaky = lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, x, 0.2 * x)
    hidden = numpy_dense(images.reshape(10, 16), vae.encoder, ["dense_0", "dense_1"], relu)
    mean, log_variance = (numpy_dense(hidden, vae.encoder, [n], relu) for n in ("means", "log_variances"))
    noise = replicas.normal_like(tf.zeros((10, 3)), SEED).numpy()
    z = mean + noise * np.exp(log_variance / 2)
    logits = numpy_dense(z, vae.decoder, ["dense_0", "dense_1", "logits"], relu)
    p, x = special.expit(logits), images.reshape(10, 16)
    reconstruction = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()
    kl = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1).mean()
    shuffled = permuted_latents(tf.constant(z, tf.float32), tf.random.experimental.stateless_fold_in(SEED, 1)).numpy()
    joint, independent = (
        numpy_dense(latents, vae.discriminator, ["dense_0", "dense_1", "logits"], leaky) for latents in (z, shuffled)
    )
    correlation = gamma * (joint[:, 0] - joint[:, 1]).mean()
    np.testing.assert_allclose(sum(map(float, losses["vae"].values())), reconstruction + kl + correlation, rtol=1e-5)
    np.testing.assert_allclose(losses["vae"]["weighted_total_correlation"], correlation, rtol=1e-4, atol=1e-6)
    p_joint, p_independent = special.softmax(joint, axis=1)[:, 0], special.softmax(independent, axis=1)[:, 1]
    expected = -(0.5 * np.log(p_joint).mean() + 0.5 * np.log(p_independent).mean())
    np.testing.assert_allclose(losses["discriminator"]["discriminator"], expected, rtol=1e-5)


def test_permutation_keeps_each_latents_values_and_breaks_their_ties():
    z = np.arange(200.0, dtype=np.float32)[:, None] * [1, 10, 100]
    shuffled = permuted_latents(tf.constant(z, tf.float32), SEED).numpy()
    for k in range(3):
        np.testing.assert_array_equal(np.sort(shuffled[:, k]), z[:, k])
    assert (np.abs(np.corrcoef(shuffled.T) - np.eye(3)) < 0.3).all()
    np.testing.assert_array_equal(shuffled, permuted_latents(tf.constant(z, tf.float32), SEED))


def test_each_player_owns_its_weights():
    vae = small_factor_vae()
    players = vae.players()
    paths = {name: {id(v) for v in player.variables} for name, player in players.items()}
    assert not paths["vae"] & paths["discriminator"]
    assert len(paths["vae"]) + len(paths["discriminator"]) == len(vae.trainable_variables)
    settings = players["discriminator"]
    assert (settings.learning_rate, settings.beta_1, settings.beta_2) == (1e-4, 0.5, 0.9)


def test_dlibs_discriminator():
    weights = sum(int(np.prod(v.shape)) for v in fc_discriminator(10).trainable_variables)
    assert weights == (10 * 1000 + 1000) + 5 * (1000 * 1000 + 1000) + (1000 * 2 + 2)


def test_the_loss_of_an_uninformative_discriminator_is_log_2():
    np.testing.assert_allclose(discriminator_loss(tf.zeros((5, 2)), tf.zeros((5, 2))), np.log(2), rtol=1e-6)


def test_halved_updates_count_twice():
    gin.parse_config("factor_vae.halved_updates = True")
    assert small_factor_vae().counts_per_update == 2
    gin.clear_config()
    assert small_factor_vae().counts_per_update == 1
    assert isinstance(small_factor_vae(), FactorVAE)
