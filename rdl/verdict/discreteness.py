"""Discreteness: how far the values of a latent lie on plateaus, as those of one factor with few values do.

Models trained apart may agree on a mixture of factors. A mixture has one value for each combination of its factors'
values, so its values are spread evenly, where those of a single factor lie on plateaus. Factors of many values have
no plateaus.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

_BINS = 120
_BLUR = _BINS / 15
_POINTS_A_BIN = 20
_TAIL = 0.001


def discreteness(values: np.ndarray) -> float:
    """KL divergence from the smoothed histogram of the values to the histogram, in nats, corrected for its bias.

    The histogram has 120 bins and is smoothed by a normal kernel of 8 bins. Evenly spread values have a discreteness
    of 0, and so have values on more than 15 plateaus, which the kernel does not blur.

    Args:
      values: [n]; below 2,400 values the bins are wider, and fine plateaus are not resolved.
    """
    low, high = np.quantile(values, (_TAIL, 1 - _TAIL))
    bins = min(_BINS, len(values) // _POINTS_A_BIN)
    if high <= low or bins < 3:
        return 0.0
    counts, _ = np.histogram(np.clip(values, low, high), bins, (low, high))
    observed = counts / counts.sum()
    smoothed = gaussian_filter1d(observed, _BLUR * bins / _BINS, mode="reflect")
    used = counts > 0
    nats = float((observed[used] * np.log(observed[used] / smoothed[used])).sum())
    return float(max(0.0, nats - (used.sum() - 1) / (2 * len(values))))
