"""Finds labels that repeat an earlier iteration's label: factors that were learned twice.

A reduction that ignores a label (`reduce_images.flat_labels = "ignore"`) does not hold its factor fixed, so the next
iteration may learn this factor again.
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
    """Finds for each new label the earlier label whose factor it repeats.

    A new label is compared with each earlier label that is not held fixed, on the new label's images. The measure is
    adjusted mutual information (Vinh, Epps and Bailey, JMLR 11, 2010): mutual information in bins of equal width over
    the mean entropy, corrected for chance, so that independent labels have 0 even on few images. An earlier label is
    held fixed if all these images lie in one of its plateaus.

    Args:
      leaf: labels of the earlier iterations.
      indices: numbers of the new labels' images in the full data set, [n], among those of the previous iteration.
      labels: the new labels, [n, learned].
      threshold: smallest adjusted mutual information of a repeat. Two labels of one factor, each with noise of 0.3 of
        the factor's standard deviation, have at least 0.3; labels of different factors have 0 with a standard
        deviation of 0.04 on 60 images.
      num_bins: bins per label; at most a quarter of the number of images.

    Returns:
      For each new label, (iteration, column) of the earlier label or None, [learned].
    """
    num_bins = min(num_bins, len(indices) // 4)
    varying = {}
    for iteration, (before, columns) in enumerate(zip(leaf.indices, leaf.labels, strict=True)):
        rows = np.argsort(before)[np.searchsorted(before, indices, sorter=np.argsort(before))]
        for column in range(columns.shape[1]):
            if not _is_held_fixed(columns[:, column], columns[rows, column]):
                varying[iteration, column] = _bins(columns[rows, column], num_bins)
    return tuple(_find_repeated(_bins(label, num_bins), varying, threshold) for label in labels.T)


def _is_held_fixed(label: np.ndarray, inside: np.ndarray) -> bool:
    """Whether these values lie in one plateau of the label that may be chosen."""
    return any(s.low <= inside.min() and inside.max() <= s.high for s in find_plateaus(label).ranked())


def _find_repeated(
    label: np.ndarray, varying: dict[tuple[int, int], np.ndarray], threshold: float
) -> tuple[int, int] | None:
    """The earlier label with the largest adjusted mutual information, if it reaches the threshold."""
    shared = {place: adjusted_mutual_info_score(earlier, label) for place, earlier in varying.items()}
    most = max(shared, key=lambda place: shared[place], default=None)
    return most if most is not None and shared[most] >= threshold else None


def _bins(label: np.ndarray, num_bins: int) -> np.ndarray:
    """Returns the label in bins of equal width, int64 [n]."""
    edges = np.linspace(label.min(), label.max(), num_bins + 1)
    return np.searchsorted(edges[1:-1], label, side="right")
