"""With one replica; what several tell each other is tested where they train (tests/training/test_replicas.py)."""

import numpy as np
import tensorflow as tf
from scipy import stats

from rdl.models import replicas


def test_one_replica_keeps_what_it_has():
    local = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    assert replicas.count() == 1
    assert [int(i) for i in replicas.rows(local)] == [0, 2]
    for exchanged in (replicas.gather(local), replicas.total(local), replicas.scatter(local, local)):
        np.testing.assert_array_equal(exchanged, local)
    np.testing.assert_allclose(replicas.share_of_mean(local[:, 1]), 3.5)
    np.testing.assert_allclose(replicas.equal_share(tf.constant(4.0)), 4.0)


def test_noise_is_standard_normal():
    noise = replicas.normal_like(tf.zeros((20_000, 5)), tf.constant([7, 8])).numpy()
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noise.T) - np.eye(5)).max() < 0.03
    assert np.abs(noise).max() > 4


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
