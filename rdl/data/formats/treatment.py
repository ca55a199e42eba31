"""Crops, resizes and recolours uint8 images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rdl.data.formats.shapes import Shape
from rdl.errors import UserError

_FILTERS = {
    name: getattr(Image.Resampling, name.upper()) for name in ("nearest", "box", "bilinear", "bicubic", "lanczos")
}
_SMALLEST_SIDE, _LARGEST_SIDE = 4, 4096  # pixels that images may be resized to


@dataclass(frozen=True)
class Treatment:
    """Changes applied to every image, in this order; None leaves an image as it is.

    Attributes:
      crop: side of the central square that is cut out, pixels.
      channels: 1 for grey (ITU-R 601 luma), 3 for RGB.
      size: side of the square that images are resized to, pixels. Images that are not square are stretched.
      filter: of the resizing: lanczos, bicubic, bilinear, box or nearest.

    Raises:
      UserError: an unknown filter, another number of channels, or a side outside 4 to 4,096.
    """

    size: int | None = None
    filter: str = "lanczos"
    crop: int | None = None
    channels: int | None = None

    def __post_init__(self):
        if self.filter not in _FILTERS:
            raise UserError(f"No filter is called '{self.filter}': use one of {', '.join(_FILTERS)}.")
        if self.channels not in (None, 1, 3):
            raise UserError(f"Expected channels to be 1 (grey) or 3 (RGB), got {self.channels!r}.")
        for name, value in (("size", self.size), ("crop", self.crop)):
            if value is not None and (not isinstance(value, int) or not _SMALLEST_SIDE <= value <= _LARGEST_SIDE):
                raise UserError(
                    f"Expected {name} to be a number of pixels from {_SMALLEST_SIDE} to {_LARGEST_SIDE:,}, got "
                    f"{value!r}."
                )

    def shape(self, height: int, width: int, channels: int) -> Shape:
        """Height, width and channels after the treatment.

        Raises:
          UserError: the crop is larger than the image, the channels cannot be converted, or the image is a table's row.
        """
        if height == 1 and (self.crop or self.size or self.channels):
            raise UserError("A table of numbers cannot be cropped, resized or recoloured: leave these options out.")
        if self.crop is not None and self.crop > min(height, width):
            raise UserError(f"A square of {self.crop} pixels does not fit in images of {height} x {width}: crop less.")
        if self.channels is not None and channels not in (1, 3):
            raise UserError(
                f"Images with {channels} channels cannot be converted to grey or RGB: leave dataset.channels out."
            )
        height, width = (self.crop, self.crop) if self.crop else (height, width)
        height, width = (self.size, self.size) if self.size else (height, width)
        return height, width, self.channels or channels

    def changes(self, height: int, width: int, channels: int) -> bool:
        """Whether images of this shape are changed."""
        return self.shape(height, width, channels) != (height, width, channels)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """uint8 [height, width, channels] -> uint8 of the shape that `shape` returns."""
        height, width, channels = image.shape
        if not self.changes(height, width, channels):
            return image
        if self.channels is not None and self.channels != channels:
            image = _recolour(image, "L" if self.channels == 1 else "RGB")
        if self.crop:
            top, left = (height - self.crop) // 2, (width - self.crop) // 2
            image = image[top : top + self.crop, left : left + self.crop]
        if self.size and image.shape[:2] != (self.size, self.size):
            planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(image, -1, 0)]
            image = np.dstack([_resize(plane, self.size, self.filter) for plane in planes])
        return np.ascontiguousarray(image)

    def blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Applies the treatment to blocks of uint8 images [n, height, width, channels]."""
        for block in blocks:
            yield np.stack([self.apply(image) for image in block]) if self.changes(*block.shape[1:]) else block


def _resize(plane: np.ndarray, size: int, name: str) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize((size, size), _FILTERS[name]))


def _recolour(image: np.ndarray, mode: str) -> np.ndarray:
    plain = image.squeeze(-1) if image.shape[-1] == 1 else image
    return np.atleast_3d(np.asarray(Image.fromarray(plain).convert(mode)))
