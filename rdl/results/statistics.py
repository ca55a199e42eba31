"""What a few seeds say of a method: means and robust means with intervals, and how often one method beats another.

Pure numpy and scipy. The choice of statistics follows Agarwal et al., Deep Reinforcement Learning at the Edge of the
Statistical Precipice, NeurIPS 2021 (arXiv 2108.13264).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from rdl.errors import UserError
from rdl.seeds import generator

RESAMPLES = 5000
_BATCH = 500  # resamples at once: pairs of values are held for all of them

Statistic = Callable[..., np.ndarray]
"""Samples [.., n], one an argument, and ``axis`` -> the statistic along that axis."""


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that it lies in.

    Attributes:
      value: the estimate.
      low, high: ends of the interval; NaN where so few values say nothing about it.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """``0.412 [0.390, 0.431]``; the value alone where there is no interval."""
        if np.isnan(self.low) or np.isnan(self.high):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The mean with Student's t interval: mean +- t s / sqrt(n), s the sample's deviation, n - 1 degrees of freedom.

    It assumes normal values. One value has no interval.

    Args:
      values: one a seed, [n], n > 0.
      confidence: probability that such an interval covers the true mean.

    Raises:
      UserError: no values, values that are not finite, or a confidence outside (0, 1).
    """
    found = _checked(values, confidence)
    centre, n = float(found.mean()), len(found)
    if n < 2:
        return Estimate(centre, np.nan, np.nan)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1) * found.std(ddof=1) / np.sqrt(n))
    return Estimate(centre, centre - half, centre + half)


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample, sqrt(sum (x - mean)^2 / (n - 1)); NaN of one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def interquartile_mean(*strata: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The mean of the middle half: a quarter of the values, rounded down, is cut off at either end.

    So of four seeds the middle two count, of five the middle three, and up to three seeds it is the mean. All strata's
    values together are cut, as Agarwal et al. do over tasks; the interval is `bootstrap`'s.

    Args:
      strata: the values of every stratum, such as the seeds on one data set, [n] each.
      confidence: of the interval.
    """
    return bootstrap(middle_half, *strata, confidence=confidence)


def middle_half(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """`interquartile_mean`'s statistic along an axis."""
    return stats.trim_mean(np.concatenate(samples, axis=axis), 0.25, axis=axis)


def bootstrap(statistic: Statistic, *strata: Sequence[float], confidence: float = 0.95) -> Estimate:
    """A statistic with the percentile interval of a stratified bootstrap.

    Every stratum is drawn from with replacement apart from the others and as often as it has values, `RESAMPLES` times
    (`scipy.stats.bootstrap`); the interval holds the middle part of what the statistic then is. The draws are always
    the same. Under some ten values such an interval is too narrow, and no interval is given for a stratum of one.

    Args:
      statistic: of all strata.
      strata: values, [n] each.
      confidence: the part of the resamples within the interval.

    Raises:
      UserError: no values, values that are not finite, or a confidence outside (0, 1).
    """
    samples = [_checked(values, confidence) for values in strata]
    value = float(statistic(*samples, axis=-1))
    if min(map(len, samples)) < 2:
        return Estimate(value, np.nan, np.nan)
    found = stats.bootstrap(
        samples, statistic, n_resamples=RESAMPLES, batch=_BATCH, vectorized=True, axis=-1,
        confidence_level=confidence, method="percentile", rng=generator(0, "bootstrap"),
    )  # fmt: skip
    return Estimate(value, float(found.confidence_interval.low), float(found.confidence_interval.high))


def probability_of_improvement(ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95) -> Estimate:
    """P(X > Y) + 0.5 P(X = Y): how often a run of one method beats a run of another.

    Over all pairs of a value of X and one of Y, which is the Mann-Whitney statistic over the number of pairs; the
    interval is `bootstrap`'s, X and Y being the strata. 0.5 where neither is better. Seeds are not paired: seed 3 of
    one method has nothing in common with seed 3 of another.

    Args:
      ours: X, [n].
      theirs: Y, [m].
      confidence: of the interval.
    """
    return bootstrap(pairs_won, ours, theirs, confidence=confidence)


def pairs_won(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
    """`probability_of_improvement`'s statistic along the last axis."""
    if axis not in (-1, np.ndim(ours) - 1):
        raise ValueError(f"axis: expected the last, received {axis}")
    difference = np.asarray(ours)[..., :, None] - np.asarray(theirs)[..., None, :]
    return ((1.0 + np.sign(difference)) / 2).mean(axis=(-2, -1))


def _checked(values: Sequence[float], confidence: float) -> np.ndarray:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise UserError(f"Statistics need finite numbers [n], one a seed, got {values!r}: leave failed runs out.")
    if not 0 < confidence < 1:
        raise UserError(f"A confidence lies between 0 and 1, such as 0.95, got {confidence}.")
    return found
