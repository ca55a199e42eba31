"""Discrete and continuous factors are distinguished by their number of values and points."""

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.metrics import factor_kinds

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("column", "continuous"),
    [
        (np.arange(1000) % 6 * 0.1 + 0.5, False),  # six scales
        (np.arange(10_000) % 40 * 2 * np.pi / 39, False),  # 40 orientations in radians
        (np.arange(10_000) % 183, False),  # object types
        (np.arange(1000) % 360, True),  # whole degrees, three points each
        (RANDOM.random(50), True),
        (np.round(RANDOM.random(20_000), 2), True),  # 101 rounded measurements
        (np.arange(12), False),
    ],
)
def test_kind_follows_from_values_and_points(column, continuous):
    assert factor_kinds.find_continuous(column[:, None]).tolist() == [continuous]


def test_declarations_take_precedence():
    factors = np.stack([np.arange(100) % 3, np.arange(100)], axis=1)
    assert factor_kinds.resolve_continuous(factors, ("a", "b")).tolist() == [False, True]
    assert factor_kinds.resolve_continuous(factors, ("a", "b"), ["a"], ["1"]).tolist() == [True, False]
    assert "b (100 values on 100 points)" in factor_kinds.describe_continuous(
        factors, ("a", "b"), np.array([0, 1], bool)
    )


@pytest.mark.parametrize(("continuous", "discrete", "name"), [(["c"], [], "'c'"), (["a"], ["a"], "'a'")])
def test_unknown_and_contradicting_declarations_are_refused(continuous, discrete, name):
    with pytest.raises(UserError, match=name):
        factor_kinds.resolve_continuous(np.ones((5, 2)), ("a", "b"), continuous, discrete)
