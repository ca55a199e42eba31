"""Noise, and the exchanges of one replica. tests/training/test_replicas.py tests several replicas."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from rdl.models import replicas


def test_exchanges_of_one_replica_are_the_identity():
    local = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    assert replicas.count() == 1
    assert [int(i) for i in replicas.locate_rows(local)] == [0, 2]
    for exchanged in (replicas.gather(local), replicas.total(local), replicas.scatter(local, local)):
        np.testing.assert_array_equal(exchanged, local)
    np.testing.assert_allclose(replicas.share_of_mean(local[:, 1]), 3.5)
    np.testing.assert_allclose(replicas.equal_share(tf.constant(4.0)), 4.0)


def test_noise_is_standard_normal():
    noise = replicas.normal_like(tf.zeros((20_000, 5)), tf.constant([7, 8])).numpy()
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noise.T) - np.eye(5)).max() < 0.03
    assert np.abs(noise).max() > 4


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "xla"])
def test_all_values_of_the_noise(compiled):
    """Ends, symmetry, moments and tails of all 2^24 values, against float64."""
    bits = np.arange(-(2**31), 2**31, 2**8).astype(np.int32)
    with tf.device("/CPU:0"):
        values = tf.function(replicas.normal_from_bits, jit_compile=compiled)(bits).numpy()
    lower = special.ndtri((np.arange(2**23) + 0.5) / 2**24)
    assert values.dtype == np.float32 and len(values) == 2**24 and np.isfinite(values).all()
    np.testing.assert_array_equal(values, -values[::-1])
    np.testing.assert_allclose(values[: 2**23], lower, rtol=6e-6, atol=0)
    assert (values[: 2**23] < 0).all() and values[-1] == pytest.approx(5.41998, abs=3e-5)

    squares = np.square(values, dtype=np.float64)
    assert values.mean(dtype=np.float64) == 0.0
    assert squares.mean() == pytest.approx(1, abs=2e-7)
    assert np.square(squares).mean() == pytest.approx(3, abs=1e-5)
    for p in (1e-6, 1e-4, 0.01, 0.3):  # probability beyond the normal's quantile
        assert np.mean(np.abs(values) > -special.ndtri(p / 2)) == pytest.approx(p, abs=2**-23)


def test_noise_depends_on_the_upper_24_bits_only():
    bits = tf.constant([[2**31 - 1, 2**31 - 256], [-(2**31), -(2**31) + 255]])
    np.testing.assert_allclose(replicas.normal_from_bits(bits), [[5.41998] * 2, [-5.41998] * 2], rtol=1e-5)


def test_noise_depends_on_both_parts_of_the_seed():
    draws = [replicas.normal_like(tf.zeros((4, 2)), tf.constant(seed)).numpy() for seed in ([1, 2], [1, 3], [2, 2])]
    again = replicas.normal_like(tf.zeros((4, 2)), tf.constant([1, 2]))
    np.testing.assert_array_equal(draws[0], again)
    assert (draws[0] != draws[1]).all() and (draws[0] != draws[2]).all()


def test_xla_draws_the_same_noise():
    draw = tf.function(lambda seed: replicas.normal_like(tf.zeros((65, 7)), seed))
    compiled = tf.function(lambda seed: replicas.normal_like(tf.zeros((65, 7)), seed), jit_compile=True)
    seed = tf.constant([1_999_999_999, 3])
    np.testing.assert_allclose(draw(seed), compiled(seed), rtol=1e-4, atol=1e-6)
