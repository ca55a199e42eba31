"""Inspects images before a run: their number, shape and values."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data import ImageSet
from rdl.data.label_file import read_label_file
from rdl.data.load import load
from rdl.data.user.picture_folder import inspect_folder

_BATCH = 1024
_MOST = 100_000  # images whose values are inspected
_EXTREME = 25  # grey levels from black or white: a tenth of the range


@dataclass(frozen=True)
class ImageCount:
    """The number of images and their shape.

    Attributes:
      images: number of images.
      shape: height, width and channels of an image as it is stored.
    """

    images: int
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class PixelSummary:
    """The values of images, from 0 to 255.

    Attributes:
      images: number of images inspected.
      low, high: the smallest and the largest value.
      repeated: number of images that equal an earlier one.
      extreme: share of the values that are within a tenth of the range from black or white.
    """

    images: int
    low: int
    high: int
    repeated: int
    extreme: float

    def describe(self) -> str:
        """One sentence for the user."""
        equal = f"{self.repeated:,} equal an earlier image" if self.repeated else "all images differ"
        among = f" (of the first {self.images:,})" if self.images == _MOST else ""
        return f"Values from {self.low} to {self.high}; {equal}{among}."


def inspect_images(
    name: str, size: int | None = None, channels: int | None = None, factors: str | None = None, **options: Any
) -> ImageCount:
    """Counts images and checks the labels beside them, without decoding the pictures of a folder.

    Args:
      name: as in `load`.
      size, channels: requested conversion of the user's images; without a size, all pictures of a folder must have one.
      factors: a CSV file.
      options: others of `load`; pictures of a folder are not decoded to check them.

    Raises:
      UserError: no such images, pictures of several sizes and no requested size, or labels of other images.
    """
    folder = Path(os.path.expanduser(name))
    if not name or not folder.is_dir():
        options |= {"size": size, "channels": channels, "factors": factors}
        images = load(name, **{option: value for option, value in options.items() if value is not None})
        return ImageCount(len(images), images.shape)
    files, shape = inspect_folder(folder, channels, one_size=size is None)
    if factors is not None:
        read_label_file(Path(factors), [file.relative_to(folder).as_posix() for file in files])
    return ImageCount(len(files), shape)


def summarize_pixels(images: ImageSet) -> PixelSummary:
    """Reads the values of up to 100,000 images."""
    count = min(len(images), _MOST)
    low, high, extreme, distinct = 255, 0, 0, set()
    for start in range(0, count, _BATCH):
        batch = images.images(np.arange(start, min(start + _BATCH, count)))
        low, high = min(low, int(batch.min())), max(high, int(batch.max()))
        extreme += int(((batch <= _EXTREME) | (batch >= 255 - _EXTREME)).sum())
        distinct |= {hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in batch}
    return PixelSummary(count, low, high, count - len(distinct), extreme / (count * int(np.prod(images.shape))))
