"""Statistics held to closed forms and to counting everything."""

import itertools
import math

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.results import statistics

TEN = np.random.default_rng(0).normal(0.4, 0.05, 10)


def test_the_mean_s_interval_is_student_s():
    # 1, 2, 3: mean 2, deviation 1; t(0.975, 2) = 4.302653 by the closed form of two degrees of freedom.
    t = 0.95 * math.sqrt(2 / (1 - 0.95**2))
    found = statistics.mean([1, 2, 3])
    assert (found.value, found.high - 2) == pytest.approx((2, t / math.sqrt(3)), rel=1e-12)
    assert 2 - found.low == pytest.approx(found.high - 2)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    found = [statistics.mean(random.normal(size=4), confidence=0.8) for _ in range(1000)]
    assert np.mean([one.low < 0 < one.high for one in found]) == pytest.approx(0.8, abs=0.04)


def test_the_interquartile_mean_cuts_a_quarter_at_either_end():
    assert statistics.interquartile_mean([0, 1, 2, 3, 100]).value == 2
    assert statistics.interquartile_mean([9, 0, 4, 6]).value == 5
    assert statistics.interquartile_mean([0, 1, 5]).value == 2
    # Two strata are cut together: 0, 0, 1, 2 | 3, 4, 5, 50 -> 1, 2, 3, 4
    assert statistics.interquartile_mean([0, 5, 1, 50], [0, 2, 3, 4]).value == 2.5


def test_the_bootstrap_comes_to_what_all_resamples_give():
    values = [0.1, 0.4, 0.5, 0.9]
    means = np.sort([np.mean(drawn) for drawn in itertools.product(values, repeat=4)])
    found = statistics.bootstrap(lambda x, axis: np.mean(x, axis=axis), values, confidence=0.8)
    assert found.value == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(np.quantile(means, 0.1), abs=0.02)
    assert found.high == pytest.approx(np.quantile(means, 0.9), abs=0.02)


def test_strata_are_drawn_apart():
    """The difference of two constant strata never moves; drawn from one pot it would."""
    found = statistics.bootstrap(lambda x, y, axis: x.mean(axis) - y.mean(axis), [1, 1, 1], [0, 0])
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_the_same_values_give_the_same_interval():
    assert statistics.interquartile_mean(TEN) == statistics.interquartile_mean(TEN)


def test_who_beats_whom_is_counted_over_all_pairs():
    ours, theirs = [3, 1, 2, 2], [2, 0, 5]
    won = [1.0 if x > y else 0.5 if x == y else 0.0 for x in ours for y in theirs]
    found = statistics.probability_of_improvement(ours, theirs)
    assert found.value == pytest.approx(np.mean(won))
    assert found.low <= found.value <= found.high
    other = statistics.probability_of_improvement(theirs, ours)
    assert found.value + other.value == pytest.approx(1)


def test_a_method_that_always_wins_does_so_in_every_resample():
    found = statistics.probability_of_improvement([3, 4, 5], [0, 1])
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_one_seed_has_no_interval():
    for found in (statistics.mean([0.3]), statistics.interquartile_mean([0.3])):
        assert found.value == 0.3 and math.isnan(found.low) and str(found) == "0.300"
    assert str(statistics.Estimate(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


@pytest.mark.parametrize("values", [[], [0.1, math.nan], [[0.1]]])
def test_what_is_no_list_of_scores_is_refused_in_one_line(values):
    with pytest.raises(UserError, match="finite numbers") as error:
        statistics.mean(values)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="confidence"):
        statistics.mean([1, 2], confidence=95)
