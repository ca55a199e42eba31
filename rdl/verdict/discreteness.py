"""Whether a latent's values gather at few places, as those of one factor with few values do and those of mixtures not.

Models trained apart may agree on a mixture of factors. A mixture has as many values as its factors have pairs of them,
so its values lie evenly where a factor's lie in steps. This tells nothing of factors with many values.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

_BINS = 120
_BLUR = _BINS / 15
_POINTS_A_BIN = 20
_TAIL = 0.001


def gathering(values: np.ndarray) -> float:
    """How much better the histogram of values tells where they lie than its own blur does, nats a value.

    The Kullback-Leibler divergence of a histogram of 120 bins from the same blurred by a normal of 8 bins, less what
    chance adds to it. Values spread evenly have 0; of eight sharp values, as of more than 15, the blur leaves nothing.

    Args:
      values: [n]; with fewer than 2,400 the bins are wider, and fine steps are not seen.
    """
    low, high = np.quantile(values, (_TAIL, 1 - _TAIL))
    bins = min(_BINS, len(values) // _POINTS_A_BIN)
    if high <= low or bins < 3:
        return 0.0
    counts, _ = np.histogram(np.clip(values, low, high), bins, (low, high))
    found = counts / counts.sum()
    blurred = gaussian_filter1d(found, _BLUR * bins / _BINS, mode="reflect")
    some = counts > 0
    nats = float((found[some] * np.log(found[some] / blurred[some])).sum())
    return float(max(0.0, nats - (some.sum() - 1) / (2 * len(values))))
