"""Statistics against closed forms, exhaustive counting and simulated coverage."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from rdl.errors import UserError
from rdl.results import statistics

SEEDS, SAMPLES, COVERAGE = 5, 100_000, 0.93


def test_mean_has_students_interval():
    # 1 .. 5: mean 3, deviation sqrt(2.5); t(0.975, 4) = 2.776445 from a table.
    found = statistics.mean([1, 2, 3, 4, 5])
    half = 2.776445105 * math.sqrt(2.5 / 5)
    assert (found.value, found.low, found.high) == pytest.approx((3, 3 - half, 3 + half))


def test_mean_of_a_bounded_score_stays_within_its_bounds():
    found = statistics.mean([0.0, 0.0, 0.1, 0.9, 1.0], bounds=(0, 1))
    assert found.low == 0 and 0.4 < found.high <= 1


@pytest.mark.parametrize("distribution", [stats.norm(0.4, 0.05), stats.uniform(0.2, 0.4), stats.beta(2, 5)])
def test_interval_of_the_mean_covers_the_truth(distribution):
    values = distribution.rvs((SAMPLES, SEEDS), random_state=np.random.default_rng(1))
    half = stats.t.ppf(0.975, SEEDS - 1) * values.std(axis=1, ddof=1) / math.sqrt(SEEDS)
    low, high = (np.clip(values.mean(axis=1) + sign * half, 0, 1) for sign in (-1, 1))
    for row in range(5):  # the vectorized interval is the function's
        found = statistics.mean(values[row], bounds=(0, 1))
        assert (found.low, found.high) == pytest.approx((low[row], high[row]))
    assert np.mean((low <= distribution.mean()) & (distribution.mean() <= high)) >= COVERAGE


@pytest.fixture(scope="module")
def intervals():
    """The interval of P(better) for each number of pairs won, 5 against 5: [26, 2]."""
    return np.array([statistics._invert_mann_whitney(float(won), SEEDS, SEEDS, 0.025) for won in range(SEEDS**2 + 1)])


@pytest.mark.parametrize("truth", [0.5, 0.8, 0.948])
@pytest.mark.parametrize("spread", [1.0, 0.2])
def test_interval_of_the_probability_of_improvement_covers_the_truth(truth, spread, intervals):
    random = np.random.default_rng(2)
    shift = stats.norm.ppf(truth) * math.hypot(1, spread)
    ours = shift + spread * random.standard_normal((SAMPLES, SEEDS))
    theirs = random.standard_normal((SAMPLES, SEEDS))
    won = (ours[:, :, None] > theirs[:, None, :]).sum(axis=(1, 2))
    found = statistics.probability_of_improvement(ours[0], theirs[0])
    assert (found.low, found.high) == pytest.approx(tuple(intervals[won[0]]), abs=1e-5)
    low, high = intervals[won].T
    assert np.mean((low <= truth) & (truth <= high)) >= COVERAGE


def test_a_method_that_wins_all_pairs_of_five_seeds_has_a_lower_bound_near_two_thirds():
    found = statistics.probability_of_improvement([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.655, abs=0.001)
    other = statistics.probability_of_improvement([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert (other.value, other.low, other.high) == pytest.approx((0, 0, 1 - found.low), abs=1e-5)


def test_pairs_won_have_the_distribution_of_all_orders():
    # X has the distribution of the maximum of two Y, so an X is drawn as the larger of two ranks: P(X > Y) = 2 / 3.
    counts = np.zeros(5)
    for order in itertools.permutations(range(6)):
        x, y = (max(order[:2]), max(order[2:4])), order[4:]
        counts[sum(a > b for a in x for b in y)] += 1
    np.testing.assert_allclose(statistics.mann_whitney_distribution(2, 2, 2 / 3), counts / counts.sum(), atol=1e-12)
    assert statistics.mann_whitney_distribution(3, 4, 0.5) == pytest.approx(
        statistics.mann_whitney_distribution(3, 4, 0.5)[::-1]
    )


def test_probability_of_improvement_counts_all_pairs_and_ties_half():
    ours, theirs = [3, 1, 2, 2, 2], [2, 0, 5, 2, 1]
    won = [1.0 if x > y else 0.5 if x == y else 0.0 for x in ours for y in theirs]
    found = statistics.probability_of_improvement(ours, theirs)
    assert found.value == pytest.approx(np.mean(won))
    assert found.low < found.value < found.high


def test_small_samples_have_no_interval():
    for found in (
        statistics.mean([0.3, 0.4, 0.5, 0.2]),
        statistics.probability_of_improvement([1, 2, 3, 4, 5], [0, 1, 2, 3]),
    ):
        assert math.isnan(found.low) and math.isnan(found.high) and str(found) == f"{found.value:.3f}"
    assert str(statistics.Estimate(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_paired_p_value_is_that_of_all_sign_flips():
    assert statistics.paired_p_value([2, 3, 4, 5, 6], [1, 1, 1, 1, 1]) == pytest.approx(2 / 32)
    differences = np.array([0.3, -0.1, 0.2, 0.4])
    flips = [abs(np.mean(differences * signs)) for signs in itertools.product((1, -1), repeat=4)]
    expected = np.mean(np.array(flips) >= abs(differences.mean()) - 1e-12)
    assert statistics.paired_p_value(differences, np.zeros(4)) == pytest.approx(expected)
    with pytest.raises(UserError, match="equally many"):
        statistics.paired_p_value([1, 2], [1])


def test_best_of_n_takes_the_best_scored_run_of_each_disjoint_group():
    values, scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9], [3, 1, 2, 7, 9, 8, 10]
    assert statistics.best_of_n(values, scores, 3).tolist() == [0.1, 0.5]
    assert statistics.best_of_n(values, scores, 1).tolist() == values
    with pytest.raises(UserError, match="best_of_n"):
        statistics.best_of_n(values, scores, 8)


def test_interquartile_mean_cuts_a_quarter_at_either_end():
    assert statistics.interquartile_mean([0, 1, 2, 3, 100]) == 2
    assert statistics.interquartile_mean([9, 0, 4, 6]) == 5
    assert statistics.interquartile_mean([0, 1, 5]) == 2


@pytest.mark.parametrize("values", [[], [0.1, math.nan], [[0.1]]])
def test_values_that_are_no_sample_are_refused(values):
    with pytest.raises(UserError, match="finite values"):
        statistics.mean(values)
    with pytest.raises(UserError, match="confidence"):
        statistics.mean([1, 2], confidence=95)
