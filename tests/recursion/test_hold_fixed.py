"""The choice of images that share one value of several labels."""

import numpy as np
import pytest

from rdl.recursion.hold_fixed import hold_fixed


@pytest.fixture
def labels():
    """Six values, five values and a continuous label, each with little noise, float [6000, 3]."""
    random = np.random.default_rng(0)
    steps = [random.integers(6, size=6000), random.integers(5, size=6000)]
    noisy = [each + 0.02 * random.standard_normal(6000) for each in steps]
    return np.stack([*noisy, random.standard_normal(6000)], axis=1)


def test_as_many_labels_are_held_fixed_as_leave_enough_images(labels):
    one = hold_fixed(labels, 0, min_images=500)
    assert one.labels == (0,) and len(one.images) >= 500
    two = hold_fixed(labels, 0, min_images=150)
    assert two.labels == (0, 1) and len(np.unique(np.round(labels[two.images, :2]), axis=0)) == 1


def test_leaf_runs_hold_different_values_fixed(labels):
    values = [round(float(labels[hold_fixed(labels, number, min_images=500).images, 0].mean())) for number in range(3)]
    assert len(set(values)) == 3


def test_a_label_without_plateaus_is_held_in_a_window(labels):
    held = hold_fixed(labels[:, 2:], 0, min_images=500, window=0.125)
    assert held.labels == (0,) and len(held.images) == pytest.approx(750, abs=5)
    assert np.ptp(labels[held.images, 2]) < 0.4


def test_a_label_with_small_plateaus_is_held_in_a_window():
    random = np.random.default_rng(0)
    label = random.integers(40, size=6000) + 0.02 * random.standard_normal(6000)
    held = hold_fixed(label[:, None], 0, min_images=500, window=0.05)
    assert held.labels == (0,) and len(held.images) == pytest.approx(500, abs=2)
    assert np.ptp(label[held.images]) < 4.5


def test_no_label_is_held_fixed_if_too_few_images_would_remain(labels):
    held = hold_fixed(labels, 0, min_images=5000)
    assert held.labels == () and len(held.images) == len(labels)


def test_labels_without_values_for_all_images_are_left_to_vary(labels):
    labels[0, 0] = np.nan
    assert 0 not in hold_fixed(labels, 0, min_images=500).labels
