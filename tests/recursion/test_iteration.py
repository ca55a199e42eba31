"""Iterations of a leaf run: records, labels, reasons to stop."""

import json
import subprocess
import sys

import gin
import numpy as np
import pytest

from rdl.errors import NonFiniteError
from rdl.recursion import Iteration, LeafLabels, Stop, iterate, to_json


@pytest.fixture
def posterior(staircase):
    """Means and log variances of 400 images; latents 1 and 2 are learned, 0 is not."""
    first, steps = staircase([100] * 4, 0.02, levels=[-1.5, -0.5, 0.5, 1.5])
    second = np.zeros_like(first)
    for step in range(4):
        second[steps == step] = staircase([25] * 4, 0.02, step, levels=[-1.5, -0.5, 0.5, 1.5])[0]
    means = np.stack([np.zeros(400), first, second], axis=1).astype(np.float32)
    return means, np.broadcast_to(np.float32([0, -4, -4]), (400, 3))


def round_trip(iteration):
    return Iteration.from_json(json.loads(json.dumps(to_json(iteration), allow_nan=False)))


def test_iteration_records_its_labels_and_kept_images(posterior):
    iteration, leaf = iterate(LeafLabels(), np.arange(1000, 1400), *posterior, score=0.7, x_peak=2)
    assert (iteration.number, iteration.images, iteration.score) == (0, 400, 0.7)
    assert iteration.latents == (1, 2)
    assert len(iteration.kl) == 3
    assert iteration.stop is None
    assert iteration.reduction.choice == 2
    assert len(iteration.kept) == 25
    kept = posterior[0][np.array(iteration.kept) - 1000, 1:]
    assert np.ptp(kept, axis=0).max() < 0.2
    assert len(leaf) == 1
    np.testing.assert_array_equal(leaf.indices[0], np.arange(1000, 1400))
    np.testing.assert_array_equal(leaf.labels[0], posterior[0][:, 1:])
    assert round_trip(iteration) == iteration


def test_only_the_first_reduction_uses_x_peak(posterior):
    _, leaf = iterate(LeafLabels(), np.arange(400), *posterior, score=0.7, x_peak=2)
    iteration, _ = iterate(leaf, np.arange(400), *posterior, score=0.7, x_peak=2)
    assert iteration.number == 1
    assert iteration.reduction.choice == 0


def test_low_score_stops_before_labelling(posterior):
    iteration, leaf = iterate(LeafLabels(), np.arange(400), *posterior, score=0.7, nothing_left=True)
    assert iteration.stop == Stop.LOW_SCORE
    assert (iteration.kept, iteration.reduction, len(leaf)) == ((), None, 0)
    assert round_trip(iteration) == iteration
    assert iterate(LeafLabels(), np.arange(400), *posterior, score=0.05)[0].stop is None
    assert iterate(LeafLabels(), np.arange(400), *posterior, score=None)[0].stop is None


def test_iteration_without_an_active_latent_stops(posterior):
    iteration, leaf = iterate(LeafLabels(), np.arange(400), np.zeros((400, 3)), np.zeros((400, 3)), score=0.7)
    assert iteration.stop == Stop.NO_ACTIVE_LATENT
    assert iteration.kl == (0.0, 0.0, 0.0)
    assert len(leaf) == 0


def test_labels_are_kept_when_the_reduction_fails(posterior):
    _, leaf = iterate(LeafLabels(), np.arange(400), *posterior, score=0.7)
    flat = np.zeros((30, 3), np.float32)
    flat[:, 0] = np.linspace(-1.5, 1.5, 30)
    iteration, leaf = iterate(leaf, np.arange(30), flat, np.full((30, 3), [-4.0, 0, 0]), score=0.7)
    assert iteration.stop == Stop.NO_JUMP
    assert iteration.latents == (0,)
    assert iteration.kept == ()
    assert len(leaf) == 2
    np.testing.assert_array_equal(leaf.labels[1], flat[:, :1])
    assert round_trip(iteration) == iteration


def test_labels_are_kept_at_the_last_allowed_iteration(posterior):
    iteration, leaf = iterate(LeafLabels(), np.arange(400), *posterior, score=0.7, max_iterations=1)
    assert iteration.stop == Stop.MAX_ITERATIONS
    assert iteration.reduction is None
    assert len(leaf) == 1
    assert round_trip(iteration) == iteration


def test_failed_first_reduction_stops_with_its_reason(posterior):
    iteration, leaf = iterate(LeafLabels(), np.arange(400), *posterior, score=0.7, x_peak=99)
    assert iteration.stop == Stop.NO_SUCH_CHOICE
    assert iteration.reduction.choices == 16
    assert len(leaf) == 1


def test_non_finite_posterior_is_refused(posterior):
    means = posterior[0].copy()
    means[3, 1] = np.nan
    with pytest.raises(NonFiniteError, match=r"\[1\]"):
        iterate(LeafLabels(), np.arange(400), means, posterior[1], score=0.7)


def test_every_stop_has_its_own_explanation():
    sentences = [stop.explanation for stop in Stop]
    assert len(set(sentences)) == len(Stop)
    assert all(len(sentence) > 15 for sentence in sentences)


def test_importing_the_recursion_loads_no_tensorflow():
    code = "import sys, rdl.recursion; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_factor_that_two_iterations_learn_counts_once(posterior, staircase):
    """Latent 1 has no jump and is ignored. The next iteration learns it again, together with a new factor."""
    means, log_variances = posterior[0].copy(), posterior[1]
    means[:, 1] = np.random.default_rng(0).permutation(np.linspace(-1.7, 1.7, 400))
    gin.bind_parameter("reduce_images.flat_labels", "ignore")
    first, leaf = iterate(LeafLabels(), np.arange(400), means, log_variances, score=0.7)
    assert (first.latents, first.held, first.again, first.labels_learned) == ((1, 2), (2,), (), 2)
    assert first.reduction.held == (False, True)
    kept = np.array(first.kept)
    new, _ = staircase([len(kept) // 2, len(kept) - len(kept) // 2], 0.02, levels=[-1, 1])
    later = np.stack([-means[kept, 1], np.zeros(len(kept)), new], axis=1)
    later_log_variances = np.broadcast_to([-4, 0, -4], later.shape)
    second, leaf = iterate(leaf, kept, later, later_log_variances, score=0.7)
    assert second.repeats == ((0, 0), None)
    assert (second.latents, second.again, second.labels_learned) == ((0, 2), (0,), 1)
    assert [columns.tolist() for columns in leaf.repeats] == [[False, False], [True, False]]
    assert round_trip(second) == second


def test_the_default_is_three_iterations_including_that_of_the_x_model(posterior):
    leaf = LeafLabels()
    stops = []
    for _ in range(3):
        iteration, leaf = iterate(leaf, np.arange(400), *posterior, score=0.7)
        stops.append(iteration.stop)
    assert stops == [None, None, Stop.MAX_ITERATIONS]
