"""Chooses images that share one value of several labels. As many labels are held fixed as leave enough images."""

from dataclasses import dataclass

import gin
import numpy as np

from rdl.recursion.staircase import find_plateaus

_CENTRES = (0.5, 0.25, 0.75)  # quantiles at the centre of the window of values, by leaf run
_WIDEST = 0.25  # share of the images in a window; a wider one holds too little fixed


@dataclass(frozen=True)
class HeldFixedImages:
    """The images of a leaf run.

    Attributes:
      images: numbers of the images, ascending, int64 [n].
      labels: numbers of the labels that are held fixed.
      ranges: the lowest and the highest value of each of these labels.
    """

    images: np.ndarray
    labels: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]


@gin.configurable
def hold_fixed(
    labels: np.ndarray, number: int, *, min_images: int = 2000, window: float = 0.125, most: int = 3
) -> HeldFixedImages:
    """Keeps the images of one plateau of each label, label by label, while at least `min_images` remain.

    A label without a plateau of that size is held in a window of its values, or left to vary if the window would need
    more than a quarter of the images.

    Args:
      labels: labels of all images, the best label first, [n, labels]; NaN if an image does not have the label. Such a
        label is left to vary.
      number: number of the leaf run. Each leaf run holds other plateaus fixed.
      min_images: smallest number of images to keep.
      window: share of the images in a window; it is enlarged if fewer than `min_images` would remain.
      most: largest number of labels to hold fixed, so that leaf runs still have factors to learn.

    Returns:
      The images; all images if no label can be held fixed.
    """
    kept = np.arange(len(labels))
    held: list[int] = []
    ranges: list[tuple[float, float]] = []
    for column, label in enumerate(labels.T):
        if len(held) == most or not np.isfinite(label).all():
            continue
        for low, high in _choices(label, label[kept], number, max(window, min_images / len(kept))):
            inside = kept[(label[kept] >= low) & (label[kept] <= high)]
            if min_images <= len(inside) < len(kept):
                kept = inside
                held.append(column)
                ranges.append((low, high))
                break
    return HeldFixedImages(kept, tuple(held), tuple(ranges))


def _choices(label: np.ndarray, kept: np.ndarray, number: int, window: float) -> list[tuple[float, float]]:
    """Ranges of the label's values, in the order in which leaf run `number` tries them."""
    plateaus = np.array(find_plateaus(label, "density").ranked(), object)
    ranges = [(each.low, each.high) for each in np.roll(plateaus, -number).tolist()]
    if window <= _WIDEST:
        centre = _CENTRES[number % len(_CENTRES)]
        low, high = np.quantile(kept, (centre - window / 2, centre + window / 2), method="inverted_cdf")
        ranges.append((float(low), float(high)))
    return ranges
