"""Chooses the images that share one value of as many labels as leave enough images to train on."""

from collections.abc import Sequence
from dataclasses import dataclass

import gin
import numpy as np

from rdl.recursion.staircase import find_plateaus

_CENTRES = (0.5, 0.25, 0.75)  # quantiles around which a label without plateaus is held, by leaf run


@dataclass(frozen=True)
class HeldImages:
    """The images of a leaf run.

    Attributes:
      images: their numbers, ascending, int64 [n].
      labels: numbers of the labels that are held fixed.
      ranges: for each of these the lowest and highest value of the images kept.
    """

    images: np.ndarray
    labels: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]


@gin.configurable
def hold_fixed(
    labels: np.ndarray, number: int, *, min_images: int = 2000, window: float = 0.125, most: int = 3
) -> HeldImages:
    """Keeps the images of one plateau of each label, label by label, while at least `min_images` remain.

    A label whose plateaus are all too small is left to vary. A label without plateaus is held by a window of its
    values.

    Args:
      labels: of all images, the cleanest label first, [n, labels]; NaN where an image does not carry the label.
      number: of the leaf run: each starts from other plateaus.
      min_images: fewest images to train on.
      window: share of the images in the window of a label without plateaus.
      most: largest number of labels held, so that leaf runs keep something to learn from.

    Returns:
      The images; all of them and no label where none can be held.
    """
    kept = np.arange(len(labels))
    held: list[int] = []
    ranges: list[tuple[float, float]] = []
    for column, label in enumerate(labels.T):
        if len(held) == most or not np.isfinite(label).all():
            continue
        for low, high in _choices(label, number, window):
            inside = kept[(label[kept] >= low) & (label[kept] <= high)]
            if min_images <= len(inside) < len(kept):
                kept = inside
                held.append(column)
                ranges.append((low, high))
                break
    return HeldImages(kept, tuple(held), tuple(ranges))


def _choices(label: np.ndarray, number: int, window: float) -> Sequence[tuple[float, float]]:
    """Ranges of values to hold the label in, in the order of leaf run `number`."""
    plateaus = find_plateaus(label, "density").ranked()
    if plateaus:
        return [(each.low, each.high) for each in np.roll(np.array(plateaus, object), -number).tolist()]
    centre = _CENTRES[number % len(_CENTRES)]
    low, high = np.quantile(label, (centre - window / 2, centre + window / 2))
    return [(float(low), float(high))]
