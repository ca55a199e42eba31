"""Reduction from labels to the images of the next data set."""

from itertools import product

import gin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.errors import NonFiniteError, UserError
from rdl.recursion import Stop, find_plateaus, rank_intersections, reduce_images


@pytest.fixture(scope="session")
def grid(staircase):
    """Makes labels of a full grid of factors; each label is a clean staircase with its own order of values."""

    def make(sizes, repeats, seed=0):
        factors = np.array(list(product(*map(range, sizes))) * repeats)
        generator = np.random.default_rng(seed)
        factors = factors[generator.permutation(len(factors))]
        labels = np.zeros(factors.shape, np.float32)
        for column, size in enumerate(sizes):
            counts = np.bincount(factors[:, column])
            label, steps = staircase(counts, 0.02, seed + column)
            value_at = generator.permutation(size)
            order = np.argsort(steps, kind="stable")
            images = np.argsort(value_at[factors[:, column]], kind="stable")
            labels[images, column] = label[order]
        return labels, factors

    return make


def constant(factors, kept):
    return (np.ptp(factors[list(kept)], axis=0) == 0).all()


def test_one_label_keeps_the_plateau_of_the_chosen_rank(grid):
    labels, factors = grid([5], 40)
    ranked = find_plateaus(labels[:, 0]).ranked()
    assert len(ranked) == 3
    for choice, plateau in enumerate(ranked):
        reduction = reduce_images(labels, choice=choice)
        assert reduction.stop is None
        assert reduction.choices == 3
        assert reduction.staircases[0].plateaus[reduction.chosen[0]] == plateau
        inside = (labels[:, 0] >= np.float32(plateau.low)) & (labels[:, 0] <= np.float32(plateau.high))
        assert reduction.kept == tuple(np.flatnonzero(inside))
        assert constant(factors, reduction.kept)
    assert reduce_images(labels, choice=3).stop == Stop.NO_SUCH_CHOICE


def test_one_label_with_one_jump_gives_two_sets(grid):
    labels, _ = grid([2], 40)
    kept = [set(reduce_images(labels, choice=choice).kept) for choice in (0, 1)]
    assert kept[0] | kept[1] == set(range(80))
    assert not kept[0] & kept[1]


def test_two_factors_share_one_value_of_each(grid):
    labels, factors = grid([6, 4], 30)
    for choice in range(4):
        reduction = reduce_images(labels, choice=choice)
        assert reduction.choices == 16
        assert len(reduction.kept) == 30
        assert constant(factors, reduction.kept)


def test_five_labels_at_once(grid):
    labels, factors = grid([5, 4, 4, 3, 4], 12)
    reduction = reduce_images(labels)
    assert len(reduction.kept) == 12
    assert constant(factors, reduction.kept)
    assert len(reduction.chosen) == 5


def test_leaf_runs_start_from_different_values_of_every_factor(grid):
    labels, factors = grid([6, 4], 30)
    starts = np.array([factors[reduce_images(labels, choice=c).kept[0]] for c in range(4)])
    assert all(len(set(column)) == 4 for column in starts.T)
    along_the_ranking = [reduce_images(labels, choice=c, distinct=False).chosen for c in range(16)]
    assert len(set(along_the_ranking)) == 16


def test_kept_images_are_numbered_in_the_full_data_set(grid):
    labels, _ = grid([4, 3], 20)
    indices = np.random.default_rng(1).permutation(10_000)[: len(labels)]
    kept = reduce_images(labels, indices).kept
    assert kept == tuple(sorted(indices[list(reduce_images(labels).kept)]))


def brute_force(cells, sharpest, more_than):
    """Ranks all combinations of plateaus, intersected one by one."""
    found = []
    for ranks in product(range(sharpest), repeat=cells.shape[1]):
        size = sum(tuple(row) == ranks for row in cells)
        if size > more_than:
            found.append((ranks, size))
    median = np.median([size for _, size in found]) if found else 0
    found.sort(key=lambda item: (abs(item[1] - median), sum(item[0]), item[0]))
    return [ranks for ranks, _ in found]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 4), st.integers(0, 6))
def test_the_ranking_of_intersections_equals_that_of_all_combinations(seed, labels, sharpest, more_than):
    cells = np.random.default_rng(seed).integers(-1, 5, (120, labels))
    ranking = rank_intersections(cells, sharpest, more_than)
    assert list(map(tuple, ranking.tolist())) == brute_force(cells, sharpest, more_than)


def test_ranking_starts_nearest_the_median_size():
    cells = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [100, 60, 40, 6], axis=0)
    assert rank_intersections(cells).tolist() == [[0, 1], [1, 0], [1, 1], [0, 0]]
    assert rank_intersections(cells, more_than=6).tolist() == [[0, 1], [1, 0], [0, 0]]


def test_twenty_labels_are_intersected_without_enumerating_combinations():
    # 5^20 combinations cannot be enumerated.
    cells = np.random.default_rng(0).integers(0, 2, (40, 1)).repeat(20, axis=1)
    assert len(rank_intersections(cells)) == 2


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.integers(2, 6), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
    method=st.sampled_from(["differences", "density"]),
    choice=st.integers(0, 2),
)
def test_kept_images_share_one_step_in_any_order(grid, sizes, seed, method, choice):
    gin.bind_parameter("find_plateaus.method", method)
    labels, factors = grid(sizes, 24, seed)
    reduction = reduce_images(labels, choice=choice)
    if reduction.stop:
        # Two values of one factor give two choices, so choice 0 always exists.
        assert reduction.stop == Stop.NO_SUCH_CHOICE
        assert choice > 0
        return
    assert constant(factors, reduction.kept)
    order = np.random.default_rng(seed).permutation(len(labels))
    permuted = reduce_images(labels[order], choice=choice)
    assert tuple(sorted(order[list(permuted.kept)])) == reduction.kept
    assert permuted.staircases == reduction.staircases
    renumbered = reduce_images(labels[order], order, choice)
    assert renumbered == reduction


def test_label_without_a_jump_stops_or_is_ignored(grid):
    labels, factors = grid([4, 3], 20)
    flat = np.linspace(-1, 1, len(labels), dtype=np.float32)
    labels = np.stack([labels[:, 0], flat, labels[:, 1]], axis=1)
    assert reduce_images(labels).stop == Stop.NO_JUMP
    reduction = reduce_images(labels, flat_labels="ignore")
    assert reduction.stop is None
    assert reduction.chosen[1] is None
    assert constant(factors, reduction.kept)
    assert reduce_images(flat[:, None], flat_labels="ignore").stop == Stop.NO_JUMP


def test_empty_intersection(staircase):
    first, steps = staircase([50, 50, 50], 0.02)
    # Every pair of steps shares few of the 150 images.
    second = np.zeros(150, np.float32)
    for step in range(3):
        second[steps == step] = np.linspace(0, 1e-3, 50) + np.arange(50) // 10 * 10
    labels = np.stack([first, second], axis=1)
    assert reduce_images(labels).stop is None
    assert reduce_images(labels, more_than=49).stop == Stop.EMPTY_INTERSECTION


def test_too_few_images(grid):
    labels, _ = grid([2, 2], 8)
    assert reduce_images(labels[:9]).stop == Stop.TOO_FEW_IMAGES
    reduction = reduce_images(labels)
    assert reduction.stop == Stop.TOO_FEW_IMAGES
    assert reduction.kept == ()
    assert len(reduction.chosen) == 2
    assert len(reduce_images(labels, min_images=8).kept) == 8


@pytest.mark.parametrize("count", range(10, 61, 5))
def test_small_sets_give_one_step_or_a_stop(staircase, count):
    label, steps = staircase([count // 2, count - count // 2], 0.02)
    reduction = reduce_images(label[:, None])
    if count < 20:
        assert reduction.stop in (Stop.TOO_FEW_IMAGES, Stop.NO_JUMP)
    else:
        assert len(set(steps[list(reduction.kept)])) == 1


def test_trim_drops_both_ends_of_a_plateau(grid):
    labels, factors = grid([5], 40)
    whole, trimmed = reduce_images(labels), reduce_images(labels, trim=0.1)
    assert len(whole.kept) == 40
    assert len(trimmed.kept) == 32
    values = np.sort(labels[list(whole.kept), 0])
    np.testing.assert_array_equal(np.sort(labels[list(trimmed.kept), 0]), values[4:-4])


def test_invalid_input_is_refused():
    labels = np.zeros((20, 2), np.float32)
    for arguments, options, message in [
        ((labels[:, 0],), {}, r"\[n, learned\]"),
        ((labels[:, :0],), {}, "learned > 0"),
        ((labels, np.arange(3)), {}, "one index"),
        ((labels,), {"flat_labels": "skip"}, "'stop' or 'ignore', got 'skip'"),
        ((labels,), {"trim": 0.5}, r"\[0, 0.5\)"),
        ((labels,), {"choice": -1}, "choice >= 0"),
        ((labels,), {"sharpest": 0}, "sharpest >= 1"),
    ]:
        with pytest.raises(UserError, match=message):
            reduce_images(*arguments, **options)
    with pytest.raises(NonFiniteError):
        reduce_images(np.where(np.eye(20, 2), np.nan, 0.0))
