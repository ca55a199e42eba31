"""Plateaus of one label, on synthetic staircases."""

import gin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.errors import NonFiniteError, UserError
from rdl.recursion import find_jumps, find_plateaus

METHODS = ("differences", "density")


def sizes_of(staircase_record):
    return [plateau.size for plateau in staircase_record.plateaus]


def purity(label, steps, record):
    """For each plateau, the share of images that have the plateau's most frequent step."""
    order = np.argsort(label)
    return [np.bincount(steps[order[s.start : s.stop]]).max() / s.size for s in record.plateaus]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("sizes", "noise"),
    [
        ([300, 300], 0.05),
        ([200, 500, 300, 700], 0.05),
        ([400] * 8, 0.1),
        ([300, 900, 150, 800, 300], 0.1),
        ([60] * 3, 0.03),
        ([30] * 6, 0.05),
        ([12, 18, 30], 0.02),
        ([10] * 3, 0.02),
        ([5, 5], 0.01),
    ],
)
def test_plateaus_match_the_steps(staircase, method, sizes, noise):
    label, steps = staircase(sizes, noise)
    record = find_plateaus(label, method)
    assert sizes_of(record) == sizes
    assert purity(label, steps, record) == [1.0] * len(sizes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sizes", [[400] * 8, [300, 900, 150, 800, 300], [60] * 3, [30] * 6, [20, 40]])
def test_no_plateau_spans_a_jump_under_normal_noise(staircase, method, sizes):
    for seed in range(5):
        label, steps = staircase(sizes, 0.04, seed, tails=True)
        record = find_plateaus(label, method)
        assert purity(label, steps, record) == [1.0] * len(record.plateaus)
        assert len(record.ranked()) >= min(len(sizes), 2)


def test_unequal_jumps(staircase):
    label, _ = staircase([300, 300, 300, 300], 0.03, levels=[0, 1, 3, 3.7])
    assert sizes_of(find_plateaus(label)) == [300] * 4


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [10, 20, 37, 50, 51, 60, 128, 129])
def test_two_steps_of_few_images(staircase, method, count):
    label, _ = staircase([count // 2, count - count // 2], 0.01)
    assert sizes_of(find_plateaus(label, method)) == [count // 2, count - count // 2]


def test_many_steps_of_few_images(staircase):
    # 5 jumps among 59 differences increase their standard deviation so much that the reference's rule finds none.
    label, _ = staircase([10] * 6, 0.02)
    assert sizes_of(find_plateaus(label)) == [10] * 6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [10, 30, 60, 129, 1000])
def test_evenly_spaced_label_has_no_jump(method, count):
    record = find_plateaus(np.linspace(-2, 2, count), method)
    assert record.jumps == ()
    assert record.ranked() == ()
    assert sizes_of(record) == [count]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 2, 3, 10, 200])
def test_constant_label_has_no_jump(method, count):
    assert find_plateaus(np.full(count, 0.3), method).jumps == ()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sizes", [[20, 20, 20], [200, 100, 300, 50]])
def test_ties_within_steps(staircase, method, sizes):
    label, _ = staircase(sizes, noise=0.0)
    record = find_plateaus(label, method)
    assert sizes_of(record) == sizes
    assert all(np.isfinite(plateau.sharpness) for plateau in record.plateaus)


def test_jump_belongs_to_no_plateau(staircase):
    """Plateau i is (jump_i, jump_i+1] in sorted order, without an image of its left neighbour."""
    label, _ = staircase([100, 100, 100, 100], 0.02)
    values, record = np.sort(label), find_plateaus(label)
    assert record.jumps == (99, 199, 299)
    assert [(s.start, s.stop) for s in record.plateaus] == [(0, 100), (100, 200), (200, 300), (300, 400)]
    for plateau in record.plateaus:
        assert (plateau.low, plateau.high) == (values[plateau.start], values[plateau.stop - 1])
        assert plateau.high - plateau.low < 0.2


def test_sharpness_is_the_lower_jump_over_the_mean_difference_inside():
    label = np.concatenate([np.linspace(0, 1, 101), np.linspace(5, 6, 201), np.linspace(8, 9, 101)])
    record = find_plateaus(label)
    first, middle, last = record.plateaus
    np.testing.assert_allclose([first.sharpness, middle.sharpness, last.sharpness], [4 / 0.01, 2 / 0.005, 2 / 0.01])
    assert [s.outer for s in record.plateaus] == [True, False, True]
    assert sorted(s.rank for s in record.plateaus) == [0, 1, 2]
    assert last.rank == 2


def test_first_and_last_plateau_are_ranked_only_with_few_jumps(staircase):
    for steps, ranked in ((4, 4), (5, 3), (8, 6)):
        label, _ = staircase([100] * steps, 0.02)
        record = find_plateaus(label)
        assert len(record.ranked()) == ranked
        assert all(not s.outer for s in record.ranked()) == (steps > 4)


def test_small_plateaus_are_not_ranked(staircase):
    label, _ = staircase([20, 5, 20], 0.01)
    record = find_plateaus(label)
    assert sizes_of(record) == [20, 5, 20]
    assert [s.rank is None for s in record.plateaus] == [False, True, False]


def test_density_finds_many_steps_that_differences_miss(staircase):
    """With normal tails inside 16 steps of 720 images no difference exceeds 7 standard deviations."""
    label, steps = staircase([720] * 16, 0.15, tails=True)
    assert len(find_jumps(label, "differences")) < 15
    record = find_plateaus(label, "density")
    assert len(record.jumps) == 15
    assert min(purity(label, steps, record)) > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_density_finds_no_jump_in_a_continuous_label(seed):
    """The threshold of the differences does not grow with n, so some of 10,000 random differences exceed it."""
    label = np.random.default_rng(seed).standard_normal(10_000)
    assert len(find_jumps(label, "differences")) > 0
    assert len(find_jumps(label, "density")) == 0


def test_density_does_not_rank_overlapping_steps(staircase):
    label, steps = staircase([1000] * 6, [0.6, 0.6, 0.6, 0.1, 0.1, 0.1], levels=[0, 1, 2, 5, 6, 7], tails=True)
    record = find_plateaus(label, "density")
    shares = purity(label, steps, record)
    assert shares[0] < 0.5
    assert record.plateaus[0].rank is None
    assert len(record.ranked()) == 3
    assert all(shares[record.plateaus.index(s)] == 1.0 for s in record.ranked())


def test_parameters_come_from_gin(staircase):
    label, _ = staircase([720] * 16, 0.15, tails=True)
    gin.parse_config("find_plateaus.method = 'density'\nfind_jumps.contrast = 1e9")
    assert find_plateaus(label).jumps == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_label_is_refused(bad):
    with pytest.raises(NonFiniteError, match="1 values"):
        find_plateaus(np.array([0.0, 1.0, bad, 2.0]))


def test_invalid_shapes_and_methods_are_refused():
    with pytest.raises(UserError, match="one label at a time"):
        find_plateaus(np.zeros((4, 2)))
    with pytest.raises(UserError, match="n > 0"):
        find_plateaus(np.zeros(0))
    with pytest.raises(UserError, match="'differences' or 'density', got 'peaks'"):
        find_plateaus(np.arange(9.0), "peaks")


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(20, 200), min_size=2, max_size=6),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
)
def test_clean_staircase_is_cut_at_its_steps_at_any_scale(staircase, sizes, seed, scale):
    label, steps = staircase(sizes, 0.004, seed)
    record = find_plateaus(scale * label - 3 * scale)
    # Jumps among the first and last fifteenth are not searched for. All others must be found.
    edge = sum(sizes) // 15
    borders = [b for b in np.cumsum(sizes)[:-1] if edge + 1 < b < sum(sizes) - edge - 1]
    assert set(borders) <= {jump + 1 for jump in record.jumps}
