"""Splits into training and test points: disjoint, seeded, rare values on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.metrics import splits


@given(st.integers(0, 10_000), st.integers(4, 300))
@settings(max_examples=40, deadline=None)
def test_split_covers_all_points_once_with_the_requested_sizes(seed, num_points):
    factors = np.random.default_rng(seed).integers(0, [2, 5, 40], size=(num_points, 3))
    train, test = splits.split_points(factors, 1 / 3, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(num_points))
    assert len(test) == round(num_points / 3)


def test_split_depends_on_the_seed_alone():
    factors = np.arange(300)[:, None] % 7
    first, again, other = (splits.split_points(factors, 1 / 3, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_split_keeps_rare_values_on_both_sides_and_unique_values_in_training(seed):
    rare = np.zeros(600, int)
    rare[[5, 590]] = 1
    rare[599] = 2
    train, test = splits.split_points(np.stack([rare, np.arange(600) % 3], axis=1), 1 / 3, seed)
    assert set(rare[train]) == {0, 1, 2}
    assert set(rare[test]) == {0, 1}


def test_split_ignores_the_values_of_continuous_factors():
    values = np.random.default_rng(0).random((300, 1))
    _, test = splits.split_points(values, 1 / 3, 0, np.array([True]))
    assert len(test) == 100


def test_split_distinct_keeps_equal_points_on_one_side():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(50, 3)), random.integers(2, size=(50, 1))
    drawn = random.integers(50, size=1000)
    train, test = splits.split_distinct(codes[drawn], factors[drawn], 700, 0)
    assert not set(drawn[train]) & set(drawn[test])
    assert 500 < len(train) < 900


def test_split_distinct_does_not_depend_on_the_codes():
    """Models that are compared are measured on the same training and test points."""
    random = np.random.default_rng(0)
    factors = random.integers(4, size=(90, 2))
    splits_of_models = [splits.split_distinct(random.normal(size=(90, 2)), factors, 60, 3)[0] for _ in range(2)]
    np.testing.assert_array_equal(*splits_of_models)
    assert len(splits_of_models[0]) == 60


def test_split_distinct_splits_points_one_by_one_if_the_codes_are_the_factor():
    factors = np.arange(40)[:, None] % 2
    train, test = splits.split_distinct(factors * 1.0, factors, 30, 0)
    assert len(train) == 30 and set(factors[test, 0]) == {0, 1}


def test_order_of_rows_depends_on_their_content():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(50, 2)), random.integers(3, size=(50, 2))
    shuffle = random.permutation(50)
    first = codes[splits.order_rows(codes, factors)]
    np.testing.assert_array_equal(first, codes[shuffle][splits.order_rows(codes[shuffle], factors[shuffle])])


def test_few_points_are_reported():
    assert "133 labelled points" in splits.describe_few_points(133)
    assert splits.describe_few_points(splits.FEW_POINTS) is None


def test_split_distinct_splits_points_one_by_one_if_codes_have_no_information():
    factors = np.random.default_rng(0).integers(4, size=(90, 2))
    train, _ = splits.split_distinct(np.zeros((90, 3)), factors, 60, 0)
    np.testing.assert_array_equal(train, splits.split_points(factors, 1 / 3, 0)[0])
