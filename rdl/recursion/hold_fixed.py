"""Chooses the images that share one value of as many labels as leave enough images to train on."""

from dataclasses import dataclass

import gin
import numpy as np

from rdl.recursion.staircase import find_plateaus

_CENTRES = (0.5, 0.25, 0.75)  # quantiles around which a label without plateaus is held, by leaf run
_WIDEST = 0.25  # share of the images from which on a window holds too little fixed


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

    A label without a plateau of that size is held in a window of its values, of at most a quarter of the images, and
    otherwise left to vary.

    Args:
      labels: of all images, the cleanest label first, [n, labels]; NaN where an image does not carry the label.
      number: of the leaf run: each starts from other plateaus.
      min_images: fewest images to train on.
      window: share of the images in the window of a label without plateaus; wider where too few would remain.
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
        for low, high in _choices(label, label[kept], number, max(window, min_images / len(kept))):
            inside = kept[(label[kept] >= low) & (label[kept] <= high)]
            if min_images <= len(inside) < len(kept):
                kept = inside
                held.append(column)
                ranges.append((low, high))
                break
    return HeldImages(kept, tuple(held), tuple(ranges))


def _choices(label: np.ndarray, kept: np.ndarray, number: int, window: float) -> list[tuple[float, float]]:
    """Ranges of values to hold the label in, the best first, in the order of leaf run `number`."""
    plateaus = np.array(find_plateaus(label, "density").ranked(), object)
    ranges = [(each.low, each.high) for each in np.roll(plateaus, -number).tolist()]
    if window <= _WIDEST:
        centre = _CENTRES[number % len(_CENTRES)]
        low, high = np.quantile(kept, (centre - window / 2, centre + window / 2), method="inverted_cdf")
        ranges.append((float(low), float(high)))
    return ranges
