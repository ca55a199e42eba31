"""Distances to a product of supports, and their gradients, against plain loops and closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from rdl.models.distributions import DiagonalNormal
from rdl.models.objectives.factorised_support import distances_to_product, factorised_support, shortfalls
from rdl.models.objectives.objective import ForwardPass

BATCH, LATENTS = 12, 4
POINTS = np.random.default_rng(0).normal(size=(BATCH, LATENTS))
ALL = BATCH**2


def by_hand(points, partners=None):
    """Loops over pairs, combinations and points; `partners` are the points s combined with each point r."""
    rows, latents = points.shape
    found = []
    for i in range(latents):
        for j in range(i + 1, latents):
            farthest = 0.0
            for r in range(rows):
                for s in range(rows) if partners is None else partners(r):
                    nearest = min(
                        (points[r, i] - points[k, i]) ** 2 + (points[s, j] - points[k, j]) ** 2 for k in range(rows)
                    )
                    farthest = max(farthest, nearest)
            found.append(farthest)
    return found


def distances(points, combinations=ALL):
    return distances_to_product(tf.constant(points), combinations).numpy()


def test_all_combinations():
    np.testing.assert_allclose(distances(POINTS), by_hand(POINTS), rtol=1e-12)
    np.testing.assert_allclose(distances(POINTS, 10**9), by_hand(POINTS), rtol=1e-12)


@pytest.mark.parametrize(("combinations", "shifts"), [(1, 1), (3 * BATCH, 3), (5 * BATCH - 1, 4)])
def test_some_combinations_are_of_each_point_with_the_next_ones(combinations, shifts):
    expected = by_hand(POINTS, lambda r: [(r + shift) % BATCH for shift in range(1, shifts + 1)])
    assert expected != by_hand(POINTS)
    np.testing.assert_allclose(distances(POINTS, combinations), expected, rtol=1e-12)


def test_closed_forms():
    grid = np.array(list(np.ndindex(3, 4)), np.float64)
    np.testing.assert_array_equal(distances(grid), [0.0])
    np.testing.assert_array_equal(distances(np.delete(grid, 0, axis=0)), [1.0])  # (0, 0) is 1 from (0, 1) and (1, 0)
    diagonal = np.array([[0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(distances(diagonal), [1.0])
    np.testing.assert_array_equal(
        distances(3 * diagonal - 7), [9.0]
    )  # scales with the square, and is invariant to shifts
    assert distances(diagonal[:, :1]).shape == (0,)  # one latent has no pair


def test_frequencies_of_combinations_have_no_effect():
    """Values that nearly always occur together, with one point of each other combination."""
    corners = np.array([[0, 0]] * 20 + [[1, 1]] * 20 + [[0, 1], [1, 0]], np.float64)
    assert np.corrcoef(corners.T)[0, 1] > 0.9
    np.testing.assert_array_equal(distances(corners, len(corners) ** 2), [0.0])


def test_gradients_move_combined_and_observed_points():
    """The combination (0, 2) is farthest from all three, and of these (0, 0) is nearest to it."""
    points = tf.constant([[0.0, 0.0], [2.5, 2.0], [2.6, 0.3]])
    with tf.GradientTape() as tape:
        tape.watch(points)
        found = distances_to_product(points, 9)
    np.testing.assert_allclose(found, [(2.0 - 0.0) ** 2])
    np.testing.assert_allclose(tape.gradient(found, points), [[0, -4], [0, 4], [0, 0]])


def test_shortfalls_of_the_range_from_0_to_1():
    points = np.array([[0.2, -1.0, 3.0, 0.0], [0.7, 5.0, 2.0, 0.0]])
    np.testing.assert_allclose(shortfalls(tf.constant(points)), [0.3 + 0.2, 0.0, 2.0, 1.0])


def terms(objective, **values):
    posterior = DiagonalNormal(tf.constant(POINTS), tf.zeros_like(POINTS))
    hyperparameters = {name: tf.constant(value, tf.float64) for name, value in values.items()}
    log_likelihood = tf.fill((BATCH,), tf.constant(-3.0, tf.float64))
    forward = ForwardPass(posterior, posterior.loc, log_likelihood, tf.constant(0), tf.constant(9.0))
    found = objective.terms(forward, hyperparameters)
    return {name: float(term) for name, term in found.items()}


def test_the_loss():
    objective = factorised_support(combinations=ALL)
    assert objective.hyperparameters == {"beta": 1.0, "gamma": 10.0, "delta": 1.0}  # all that can be searched
    found = terms(objective, beta=2.0, gamma=30.0, delta=5.0)
    lacks = np.maximum(1 - POINTS.max(axis=0), 0).sum() + np.maximum(POINTS.min(axis=0), 0).sum()
    expected = {
        "reconstruction": 3.0,
        "weighted_kl": 2.0 * 0.5 * (POINTS**2).sum(axis=1).mean(),
        "weighted_distance_to_product": 30.0 * sum(by_hand(POINTS)),
        "weighted_shortfall": 5.0 * lacks,
    }
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)


def test_a_traced_step_takes_batches_of_any_size():
    traced = tf.function(lambda points: distances_to_product(points, 40), input_signature=[tf.TensorSpec((None, 3))])
    for rows in (2, 5, 12):
        points = POINTS[:rows, :3].astype(np.float32)
        np.testing.assert_allclose(traced(points), distances_to_product(tf.constant(points), 40), rtol=1e-6)


def test_xla_compiles_it():
    compiled = tf.function(lambda points: distances_to_product(points, ALL), jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(POINTS)), by_hand(POINTS), rtol=1e-12)
