"""Which labels tell again what an earlier iteration's label told: factors that were learned twice.

A reduction that leaves a label out (`reduce_images.flat_labels = "ignore"`) does not hold its factor constant, so
the next iteration may learn that factor again.
"""

import gin
import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from rdl.config.ranges import Bins
from rdl.recursion.leaf_labels import LeafLabels
from rdl.recursion.staircase import find_plateaus


@gin.configurable
def find_repeats(
    leaf: LeafLabels, indices: np.ndarray, labels: np.ndarray, *, threshold: float = 0.3, num_bins: Bins = 10
) -> tuple[tuple[int, int] | None, ...]:
    """For each new label the earlier label whose factor it tells again, or None.

    Compared with each earlier label that is not held constant, on the new label's images: their mutual
    information, both in bins of equal width, over the mean of their entropies, and corrected for chance, so that
    labels which have nothing in common have 0 on few images too (adjusted mutual information: Vinh, Epps and
    Bailey, JMLR 11, 2010). A label is held constant where all these images lie in one of its plateaus.

    Args:
      leaf: the labels of the iterations before.
      indices: numbers of the new labels' images in the full data set, [n], images of the iteration before.
      labels: the new labels, [n, learned].
      threshold: a label repeats the earlier one with which it shares most where that is at least this much. Two
        labels of one factor, each with noise of 0.3 of the factor's standard deviation, share 0.3 or more; labels
        of different factors 0 with a deviation of 0.04 on 60 images.
      num_bins: of each label; on few images a quarter of their number.

    Returns:
      For each new label (iteration, column) of the earlier one, or None, [learned].
    """
    num_bins = min(num_bins, len(indices) // 4)
    free = {}
    for iteration, (before, columns) in enumerate(zip(leaf.indices, leaf.labels, strict=True)):
        rows = np.argsort(before)[np.searchsorted(before, indices, sorter=np.argsort(before))]
        for column in range(columns.shape[1]):
            if not _held(columns[:, column], columns[rows, column]):
                free[iteration, column] = _bins(columns[rows, column], num_bins)
    return tuple(_repeated(_bins(label, num_bins), free, threshold) for label in labels.T)


def _held(label: np.ndarray, inside: np.ndarray) -> bool:
    """Whether these images of the label lie in one of its plateaus that may be chosen."""
    return any(s.low <= inside.min() and inside.max() <= s.high for s in find_plateaus(label).ranked())


def _repeated(label: np.ndarray, free: dict[tuple[int, int], np.ndarray], threshold: float) -> tuple[int, int] | None:
    shared = {place: adjusted_mutual_info_score(earlier, label) for place, earlier in free.items()}
    most = max(shared, key=lambda place: shared[place], default=None)
    return most if most is not None and shared[most] >= threshold else None


def _bins(label: np.ndarray, num_bins: int) -> np.ndarray:
    """Bins of equal width, int64 [n]."""
    edges = np.linspace(label.min(), label.max(), num_bins + 1)
    return np.searchsorted(edges[1:-1], label, side="right")
