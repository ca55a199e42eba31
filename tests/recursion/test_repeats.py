"""Detection of labels that repeat an earlier one, on synthetic factors."""

import numpy as np
import pytest

from rdl.recursion import LeafLabels, find_repeats


@pytest.fixture
def factors(staircase):
    """A label of 4 clear steps, a continuous label, and the images of the first label's second step."""
    steps_label, steps = staircase([300] * 4, 0.02)
    flat = np.random.default_rng(1).permutation(np.linspace(-1.7, 1.7, 1200)).astype(np.float32)
    return np.stack([steps_label, flat], axis=1), np.flatnonzero(steps == 1)


def blurred(label, noise, seed=0):
    """The label of a model that learns the factor again: reversed, nonlinear, with relative noise."""
    return -np.tanh(label) + noise * np.std(label) * np.random.default_rng(seed).standard_normal(len(label))


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.2])
def test_a_factor_that_is_learned_again_is_found(factors, noise):
    labels, kept = factors
    leaf = LeafLabels().add(np.arange(1200), labels)
    new = np.random.default_rng(2).standard_normal(len(kept))
    again = blurred(labels[kept, 1], noise)
    assert find_repeats(leaf, kept, np.stack([new, again], axis=1)) == (None, (0, 1))


def test_images_are_matched_by_number_in_any_order(factors):
    labels, kept = factors
    order = np.random.default_rng(3).permutation(1200)
    numbers = np.arange(5000, 6200)
    leaf = LeafLabels().add(numbers[order], labels[order])
    shuffled = np.random.default_rng(4).permutation(kept)
    assert find_repeats(leaf, numbers[shuffled], labels[shuffled][:, [1]]) == ((0, 1),)


def test_a_label_that_is_held_fixed_is_never_repeated(factors):
    """Such a label varies only by noise, and a label equal to that noise does not repeat the factor."""
    labels, kept = factors
    leaf = LeafLabels().add(np.arange(1200), labels)
    assert find_repeats(leaf, kept, labels[kept][:, [0]]) == (None,)


def test_factor_varies_within_a_plateau_of_two_values(factors, staircase):
    labels, _ = factors
    leaf = LeafLabels().add(np.arange(1200), labels)
    two = np.flatnonzero((labels[:, 0] > 0.5) & (labels[:, 0] < 2.5))
    assert find_repeats(leaf, two, labels[two][:, [0]]) == ((0, 0),)


def test_new_factors_do_not_count_as_repeats_on_few_images(factors):
    labels, kept = factors
    leaf = LeafLabels().add(np.arange(1200), labels)
    new = np.random.default_rng(5).standard_normal((200, 60))
    found = [find_repeats(leaf, kept[:60], label[:, None])[0] for label in new]
    assert found == [None] * 200


@pytest.mark.parametrize("count", [2, 3, 4, 10])
def test_few_images_are_accepted(factors, count):
    labels, kept = factors
    leaf = LeafLabels().add(np.arange(1200), labels)
    assert len(find_repeats(leaf, kept[:count], labels[kept[:count]][:, [1]])) == 1


def test_first_iteration_has_no_repeats(factors):
    assert find_repeats(LeafLabels(), np.arange(1200), factors[0]) == (None, None)
