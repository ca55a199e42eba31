"""Step 2 of a reduction: cuts a label into plateaus.

The sorted label of a discrete factor is a staircase: one plateau for each value, with jumps between them.
"""

import gin
import numpy as np
from scipy.signal import find_peaks

from rdl.errors import NonFiniteError, UserError
from rdl.recursion.records import Plateau, Staircase

SMALL = 128
"""Up to this number of images, the spread of the differences is estimated from their median.

The reference's estimate includes the jumps if they are at least 1 in 16 of the differences, and then finds no jump: 7
jumps are missed up to 130 images, one jump up to 18.
"""


@gin.configurable
def find_jumps(
    label: np.ndarray,
    method: str = "differences",
    *,
    edge: float = 1 / 15,
    spacing: float = 1 / 50,
    height: float = 7.0,
    clip: float = 4.0,
    window: float = 1 / 100,
    contrast: float = 2.0,
) -> np.ndarray:
    """Finds the jumps of a label.

    With "differences" (the reference's rule), jumps are peaks of the differences of neighbours in sorted order that
    exceed median + height * std, are at least spacing * n apart and not among the first or last edge * n. Here std is
    the standard deviation of the differences below median + clip * (std of all differences). Up to `SMALL` images it is
    median / ln 2, the standard deviation of exponential differences with this median.

    With "density", jumps are valleys of the label's density: peaks of the log mean difference over 2 * window * n
    neighbours whose prominence is at least log(contrast) and at least 4 standard errors, 4 / sqrt(window * n). The jump
    is the largest difference within the window. Up to `SMALL` images the rule above applies.

    Args:
      label: [n].
      method: "differences" or "density".
      edge, spacing, window: shares of the images.
      height, clip: in standard deviations.
      contrast: ratio of the density on the sparser side of a valley to the density in it.

    Returns:
      int64 [jumps], ascending; j is the jump between sorted positions j and j + 1.

    Raises:
      UserError: the label is empty or not one-dimensional, or the method is unknown.
      NonFiniteError: the label holds NaN or infinity.
    """
    values = np.sort(_checked(label))
    if method not in ("differences", "density"):
        raise UserError(f"find_plateaus.method must be 'differences' or 'density', got {method!r}.")
    if len(values) < 4 or values[0] == values[-1]:
        return np.zeros(0, np.int64)
    if method == "density" and len(values) > SMALL:
        return _density_valleys(values, max(3, int(len(values) * window)), contrast)
    return _difference_peaks(values, edge, spacing, height, clip)


def _difference_peaks(values: np.ndarray, edge: float, spacing: float, height: float, clip: float) -> np.ndarray:
    differences = np.diff(values)
    cut = int(len(differences) * edge + 1e-9)
    inner = differences[cut : len(differences) - cut]
    median = np.median(inner)
    usual = inner[inner <= median + clip * np.std(inner)]
    spread = median / np.log(2) if len(differences) < SMALL else np.std(usual)
    threshold = median + height * max(spread, _resolution(values))
    distance = max(1, int(len(differences) * spacing + 1e-9))
    peaks, _ = find_peaks(inner, height=threshold, distance=distance)
    return peaks + cut


def _density_valleys(values: np.ndarray, window: int, contrast: float) -> np.ndarray:
    differences = np.diff(values)
    low = np.maximum(np.arange(len(differences)) + 1 - window, 0)
    high = np.minimum(np.arange(len(differences)) + window, len(differences))
    mean = np.maximum((values[high] - values[low]) / (high - low), _resolution(values))
    prominence = max(np.log(contrast), 4 / np.sqrt(window))
    peaks, _ = find_peaks(np.log(mean), prominence=prominence, distance=window)
    jumps = [low[peak] + np.argmax(differences[low[peak] : high[peak]]) for peak in peaks]
    return np.unique(np.array(jumps, np.int64))


@gin.configurable
def find_plateaus(
    label: np.ndarray,
    method: str = "differences",
    *,
    smallest: int = 6,
    outer_up_to: int = 3,
    widest: float = 3.0,
) -> Staircase:
    """Cuts one label at its jumps and ranks the plateaus between them, the sharpest first.

    Plateau i holds the sorted positions (jump_i, jump_{i+1}]. Its sharpness is the lower of its two jumps over the mean
    difference inside it. The first and the last plateau have one jump each and may hold several values, as jumps near
    the ends are not searched for; they are ranked only if there are at most `outer_up_to` jumps.

    The rule of differences errs towards too many jumps. The density has no jump where values overlap, so a plateau much
    wider than the narrowest is assumed to hold several values and is not ranked.

    Args:
      label: [n].
      method: "differences" or "density" (`find_jumps`).
      smallest: plateaus with fewer images are not ranked.
      outer_up_to: largest number of jumps with which the first and the last plateau are ranked.
      widest: with "density", plateaus that are wider than their jumps are high and more than this many times as wide as
        the narrowest are not ranked. Widths are those of the middle 80 % of a plateau's images.

    Raises:
      UserError, NonFiniteError: as `find_jumps`.
    """
    values = np.sort(_checked(label))
    jumps = find_jumps(label, method)
    heights = np.concatenate([[np.inf], np.diff(values)[jumps], [np.inf]])
    starts = np.concatenate([[0], jumps + 1])
    stops = np.concatenate([jumps + 1, [len(values)]])
    last = len(starts) - 1
    outer = np.isin(np.arange(len(starts)), (0, last))
    lower, inside = np.minimum(heights[:-1], heights[1:]), _mean_inside(values, starts, stops)
    sharpness = np.where(stops - starts > 1, lower / inside, 0.0) if last else np.zeros(1)
    allowed = (stops - starts >= smallest) & (~outer | (len(jumps) <= outer_up_to)) & (last > 0)
    if method == "density":
        tenth = (stops - starts) // 10
        widths = values[stops - 1 - tenth] - values[starts + tenth]
        narrowest = np.min(widths[stops - starts >= smallest], initial=np.inf)
        allowed &= (widths <= widest * narrowest) | (widths <= lower)
    order = [i for i in np.argsort(-sharpness, kind="stable") if allowed[i]]
    ranks = {int(i): rank for rank, i in enumerate(order)}
    plateaus = tuple(
        Plateau(
            start=int(starts[i]),
            stop=int(stops[i]),
            low=float(values[starts[i]]),
            high=float(values[stops[i] - 1]),
            sharpness=float(sharpness[i]),
            outer=bool(outer[i]),
            rank=ranks.get(i),
        )
        for i in range(len(starts))
    )
    return Staircase(jumps=tuple(jumps.tolist()), plateaus=plateaus)


def _mean_inside(values: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Returns the mean difference of neighbours inside each plateau, at least float32's resolution."""
    mean = (values[stops - 1] - values[starts]) / np.maximum(stops - starts - 1, 1)
    return np.maximum(mean, _resolution(values))


def _resolution(values: np.ndarray) -> float:
    """Returns the smallest difference that float32, the type of the labels, resolves."""
    return float(np.finfo(np.float32).eps * np.abs(values).max(initial=np.finfo(np.float32).tiny))


def _checked(label: np.ndarray) -> np.ndarray:
    label = np.asarray(label, np.float64)
    if label.ndim != 1 or not len(label):
        raise UserError(
            f"find_plateaus: expected a label [n] with n > 0, received {label.shape}; pass one label at a time."
        )
    if not np.isfinite(label).all():
        count = np.count_nonzero(~np.isfinite(label))
        raise NonFiniteError(
            f"find_plateaus: expected finite values, received {count} values that are NaN or infinite."
        )
    return label
