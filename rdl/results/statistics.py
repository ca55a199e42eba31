"""Statistics of a few seeds per method: means with intervals, and how often one method beats another.

Scores of deep generative models come in samples of 3 to 10 seeds. An interval is given only where its simulated
coverage is at least 0.93 at the sample size used (`tests/results/test_statistics.py`), which needs `MIN_SEEDS` values;
smaller samples are reported as the values themselves. The robust mean and the probability of improvement follow
Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021 (arXiv 2108.13264).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from rdl.errors import UserError
from rdl.seeds import generator

MIN_SEEDS = 5
"""Fewest values of a sample for which an interval is given."""
_RESAMPLES = 2**14  # sign flips; up to 14 pairs are enumerated, which is exact


@dataclass(frozen=True)
class Estimate:
    """An estimate with its confidence interval.

    Attributes:
      value: the estimate.
      low, high: ends of the interval; NaN where the sample is too small for one.
    """

    value: float
    low: float = np.nan
    high: float = np.nan

    def __str__(self) -> str:
        """``0.412 [0.390, 0.431]``; the value alone without an interval."""
        if np.isnan(self.low) or np.isnan(self.high):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean(
    values: Sequence[float], confidence: float = 0.95, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """The mean with Student's t interval, mean +- t s / sqrt(n), clipped to the range of the score.

    The interval assumes values of one mode. Seeds that fall into two optima, such as MIGs near 0.2 and 0.4, need more
    seeds than `MIN_SEEDS`, whatever the interval.

    Args:
      values: one per seed, [n], n > 0.
      confidence: probability that the interval covers the true mean.
      bounds: the range of the score; clipping to it cannot lose the true mean.

    Raises:
      UserError: no values, values that are not finite, or a confidence outside (0, 1).
    """
    sample = _check_sample(values, confidence)
    centre, n = float(sample.mean()), len(sample)
    if n < MIN_SEEDS:
        return Estimate(centre)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    return Estimate(centre, max(centre - half, bounds[0]), min(centre + half, bounds[1]))


def standard_deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation, sqrt(sum (x - mean)^2 / (n - 1)); NaN for one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of the middle half: a quarter of the values, rounded down, is cut off at either end.

    The middle two of four seeds count, the middle three of five; up to three seeds it is the mean.
    """
    return float(stats.trim_mean(_check_sample(values), 0.25))


def probability_of_improvement(ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95) -> Estimate:
    """P(X > Y) + 0.5 P(X = Y), the probability that a run of one method beats a run of another.

    The estimate is the Mann-Whitney statistic U over the number of pairs. The interval inverts the exact distribution
    of U under Lehmann alternatives, P(X <= t) = P(Y <= t)^k, for which P(X > Y) = k / (k + 1): its ends are the
    probabilities at which the observed U, or a more extreme one, has probability (1 - confidence) / 2. With 5 against 5
    seeds and all 25 pairs won it is [0.66, 1]. Seeds are not paired; see `paired_p_value`.

    Args:
      ours: X, one value per seed, [n].
      theirs: Y, [m].
      confidence: probability that the interval covers the true one.

    Returns:
      The estimate; without an interval where either sample is smaller than `MIN_SEEDS`.

    Raises:
      UserError: as in `mean`.
    """
    x, y = _check_sample(ours, confidence), _check_sample(theirs, confidence)
    won = float(((1 + np.sign(x[:, None] - y[None, :])) / 2).sum())
    value = won / (len(x) * len(y))
    if min(len(x), len(y)) < MIN_SEEDS:
        return Estimate(value)
    low, high = _invert_mann_whitney(won, len(x), len(y), (1 - confidence) / 2)
    return Estimate(value, low, high)


@lru_cache(maxsize=4096)
def _invert_mann_whitney(won: float, n: int, m: int, tail: float) -> tuple[float, float]:
    """Both ends of the exact interval for ``won`` pairs; a tie counts half and widens the interval at both ends."""
    # A tie makes `won` a half-integer: the lower end takes the next smaller count, the upper one the next larger.
    lower, upper = int(np.floor(won)), int(np.ceil(won))

    def find(excess) -> float:
        return float(optimize.brentq(excess, 1e-9, 1 - 1e-9, xtol=1e-6))

    low = 0.0 if lower == 0 else find(lambda p: mann_whitney_distribution(n, m, p)[lower:].sum() - tail)
    high = 1.0 if upper == n * m else find(lambda p: mann_whitney_distribution(n, m, p)[: upper + 1].sum() - tail)
    return low, high


def mann_whitney_distribution(n: int, m: int, probability: float) -> np.ndarray:
    """Distribution of the number of pairs won under a Lehmann alternative without ties, [n m + 1].

    Under P(X <= t) = P(Y <= t)^k the largest of a values X and b values Y is an X with probability a k / (a k + b), and
    then wins against all b. The recursion removes the largest value.

    Args:
      n, m: numbers of values X and Y.
      probability: P(X > Y) = k / (k + 1), in (0, 1).
    """
    odds = probability / (1 - probability)
    row = [_unit(n * m)] * (m + 1)  # no X left: nothing more is won
    for a in range(1, n + 1):
        below, row = row, [_unit(n * m)]  # no Y left
        for b in range(1, m + 1):
            first = a * odds / (a * odds + b)
            row.append(first * _shift(below[b], b) + (1 - first) * row[b - 1])
    return row[m]


def _unit(size: int) -> np.ndarray:
    return np.eye(1, size + 1)[0]


def _shift(distribution: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([np.zeros(by), distribution[:-by]])


def paired_p_value(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Two-sided p-value of the sign-flip permutation test on the mean of paired differences.

    For runs that share their seeds, such as a recursion and its own x-model. All 2^n sign flips are enumerated up to 14
    pairs, so five differences of one sign give 2 / 32 = 0.0625.

    Args:
      ours, theirs: values of the same seeds in the same order, [n] each.

    Raises:
      UserError: samples of different sizes, or as in `mean`.
    """
    differences = _check_sample(ours) - _check_sample(theirs) if len(ours) == len(theirs) else None
    if differences is None:
        raise UserError(f"Paired samples need equally many values, got {len(ours)} and {len(theirs)}.")
    found = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=_RESAMPLES,
        rng=generator(0, "paired_p_value"),
    )  # fmt: skip
    return float(found.pvalue)


def best_of_n(values: Sequence[float], scores: Sequence[float], size: int) -> np.ndarray:
    """The control for a population: in each disjoint group of ``size`` random runs, the value of the best-scored run.

    Args:
      values: what is reported, such as the true MIG, [runs].
      scores: what the choice is made by, such as UDR, [runs]; higher is better.
      size: runs per group; a last, smaller group is left out.

    Returns:
      Values of the chosen runs, [runs // size]: their `standard_deviation` compares with a population's.

    Raises:
      UserError: fewer runs than one group, or samples of different sizes.
    """
    if len(values) != len(scores) or not 1 <= size <= len(values):
        raise UserError(
            f"best_of_n needs one score per value and at least one group, got {len(values)} values, {len(scores)} "
            f"scores and groups of {size}."
        )
    groups = len(values) // size
    pairs = np.stack([_check_sample(values), _check_sample(scores)])[:, : groups * size].reshape(2, groups, size)
    return pairs[0][np.arange(groups), pairs[1].argmax(axis=1)]


def _check_sample(values: Sequence[float], confidence: float = 0.95) -> np.ndarray:
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise UserError(f"Statistics need finite values [n], one per seed, got {values!r}: leave out failed runs.")
    if not 0 < confidence < 1:
        raise UserError(f"confidence must lie between 0 and 1, such as 0.95, got {confidence}.")
    return sample
