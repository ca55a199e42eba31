import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.initialization import initialize
from rdl.models.networks.quantised import finite_scalar, quantised_encoder
from rdl.models.networks.small import small_fc_encoder
from rdl.models.saving.plain import to_plain_keras


@pytest.mark.parametrize("levels", [3, 9])
def test_levels_are_evenly_spaced_with_variance_one_and_hold_zero(levels):
    values = np.unique(finite_scalar(np.linspace(-20, 20, 20_001), levels))
    assert len(values) == levels
    np.testing.assert_allclose(values.var(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.diff(values), np.diff(values)[0], rtol=1e-5)
    assert values[levels // 2] == 0.0


def test_values_are_rounded_to_the_nearest_level():
    values = np.linspace(-3, 3, 601).astype(np.float32)
    bounded = 4 * np.tanh(values)
    nearest = np.abs(bounded[:, None] - np.arange(-4, 5)).argmin(axis=1) - 4
    np.testing.assert_allclose(finite_scalar(values, 9), nearest * np.sqrt(12 / 80), atol=1e-6)


def test_gradients_are_those_without_rounding():
    values = tf.constant([-1.0, 0.1, 0.7])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(finite_scalar(values, 5) * [1.0, 2.0, 3.0])
    expected = np.array([1.0, 2.0, 3.0]) * 2 * np.sqrt(12 / 24) * (1 - np.tanh(values) ** 2)
    np.testing.assert_allclose(tape.gradient(total, values), expected, rtol=1e-6)


def test_an_encoder_keeps_its_weights_and_its_log_variances(tmp_path):
    images = np.random.default_rng(0).random((32, 8, 8, 1), np.float32) * 4
    ordinary, network = small_fc_encoder((8, 8, 1), 3), quantised_encoder((8, 8, 1), 3, small_fc_encoder, levels=5)
    for encoder in (ordinary, network):
        initialize(encoder, 0)
    assert [v.path for v in network.weights] == [v.path for v in ordinary.weights]
    (means, log_variances), (before, same) = network(images), ordinary(images)
    np.testing.assert_array_equal(log_variances, same)
    np.testing.assert_array_equal(means, finite_scalar(before, 5))
    assert len(np.unique(means)) > 1
    network.save(tmp_path / "encoder.keras")
    for copy in (keras.saving.load_model(tmp_path / "encoder.keras", compile=False), to_plain_keras(network)):
        np.testing.assert_array_equal(copy(images)[0], means)


def test_an_even_number_of_levels_is_refused():
    with pytest.raises(UserError, match=r"quantised_encoder.levels must be odd, so that 0 is a level, got 8: set 9\."):
        quantised_encoder((8, 8, 1), 3, small_fc_encoder, levels=8)
