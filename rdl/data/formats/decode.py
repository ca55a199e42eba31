"""From what people store to uint8 images of one size: values checked, cropped, resized, grey or RGB."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from rdl.errors import UserError

_FILTERS = {name: getattr(Image.Resampling, name.upper()) for name in ("nearest", "box", "bilinear", "bicubic")}
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_FILTERS["lanczos"] = Image.Resampling.LANCZOS
_LARGEST_SIDE = 4096  # pixels that images may be resized to
_MOST_VALUES = 1 << 26  # of one image: far more than a network can take
FEWEST = 10  # images: with fewer, nothing can be learned or measured


@dataclass(frozen=True)
class Treatment:
    """What is done to every image, in this order; None leaves it as it is.

    crop: cuts out the central square of so many pixels. channels: 1 makes it grey (ITU-R 601), 3 RGB. size:
    resizes to size x size with the filter (lanczos, bicubic, bilinear, box, nearest), plateauing what is not
    square.
    """

    size: int | None = None
    filter: str = "lanczos"
    crop: int | None = None
    channels: int | None = None

    def __post_init__(self):
        if self.filter not in _FILTERS:
            raise UserError(f"No filter is called '{self.filter}': use one of {', '.join(_FILTERS)}.")
        if self.channels not in (None, 1, 3):
            raise UserError(f"Images have 1 channel (grey) or 3 (RGB), got channels={self.channels}.")
        for name, value in (("size", self.size), ("crop", self.crop)):
            if value is not None and (not isinstance(value, int) or not 4 <= value <= _LARGEST_SIDE):
                raise UserError(f"Expected {name} to be a number of pixels from 4 to {_LARGEST_SIDE:,}, got {value!r}.")

    def shape(self, height: int, width: int, channels: int) -> tuple[int, int, int]:
        """Height, width and channels of what comes out."""
        if self.crop is not None and self.crop > min(height, width):
            raise UserError(f"A square of {self.crop} pixels does not fit in images of {height} x {width}: crop less.")
        height, width = (self.crop, self.crop) if self.crop else (height, width)
        height, width = (self.size, self.size) if self.size else (height, width)
        return height, width, self.channels or channels

    def changes(self, height: int, width: int, channels: int) -> bool:
        """Whether images of this shape come out otherwise than they go in."""
        return self.shape(height, width, channels) != (height, width, channels)

    def apply(self, image: Image.Image) -> np.ndarray:
        """uint8 [height, width, channels]; a palette or transparency becomes RGB."""
        if image.mode in ("1", "LA"):
            image = image.convert("L")
        channels = self.channels or (1 if image.mode == "L" else 3)
        image = image.convert("L" if channels == 1 else "RGB")
        self.shape(image.height, image.width, channels)
        if self.crop:
            left, top = (image.width - self.crop) // 2, (image.height - self.crop) // 2
            image = image.crop((left, top, left + self.crop, top + self.crop))
        if self.size and image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), _FILTERS[self.filter])
        return np.asarray(image).reshape(image.height, image.width, channels)

    def blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Treats blocks of uint8 images [n, height, width, channels]."""
        for block in blocks:
            if not self.changes(*block.shape[1:]):
                yield block
            else:
                yield np.stack([self.apply(Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image))
                                for image in block])  # fmt: skip


def open_picture(path: Path, use: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    """What ``use`` makes of a picture's file: of formats that are decoded here, by no other program.

    Raises:
      UserError: a file that is no picture, is damaged, or holds more than a picture should.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd colours and notes in the file; its pixels are what counts
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                return use(image)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"{path} is not an image, or it is damaged: remove it or get it again.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(f"{path} is larger than a picture should be: make it smaller, or remove it.") from None
    except Exception as error:  # Pillow's readers raise what they please on a file that ends early or is damaged
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"Cannot read the image {path}: {reason}; remove it or get it again.") from error


def check_shape(shape: tuple[int, ...], what: str) -> tuple[int, int, int, int]:
    """Number, height, width and channels of images of a stored array.

    Raises:
      UserError: the array has not the shape of grey or RGB images, or there are too few of them.
    """
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) != 4 or shape[3] not in (1, 3) or min(shape[1:3]) < 4:
        raise UserError(
            f"Expected {what} of shape [n, height, width], [n, height, width, 1] or [n, height, width, 3], "
            f"got {list(shape)[:8]}: put the axes in this order."
        )
    if shape[0] < FEWEST:
        raise UserError(f"Expected at least {FEWEST} images in {what}, got {shape[0]}: add more.")
    if math.prod(shape[1:]) > _MOST_VALUES:
        raise UserError(f"Images of {shape[1]} x {shape[2]} in {what} are too large to learn from: make them smaller.")
    return shape[0], shape[1], shape[2], shape[3]


def to_bytes(block: np.ndarray, what: str) -> np.ndarray:
    """Stored values as uint8: uint8 as it is, other integers in [0, 255], bool, or floats in [0, 1] times
    255.

    Raises:
      UserError: another type, values outside, NaN or infinity.
    """
    if block.dtype == np.uint8:
        return block
    if block.dtype == np.bool_:
        return block.astype(np.uint8) * np.uint8(255)
    if not (np.issubdtype(block.dtype, np.floating) or np.issubdtype(block.dtype, np.integer)):
        raise UserError(f"Expected {what} of type uint8, bool or float in [0, 1], got {block.dtype}: convert them.")
    highest = 1 if np.issubdtype(block.dtype, np.floating) else 255
    if not np.isfinite(block).all():
        raise UserError(f"{what} hold NaN or infinity: remove or replace these values.")
    if block.size and (block.min() < 0 or block.max() > highest):
        raise UserError(
            f"Expected {block.dtype} {what} in [0, {highest}], got values from {block.min()} to {block.max()}: "
            "rescale them."
        )
    return np.rint(block * (255 // highest)).astype(np.uint8)


def check_range(sample: np.ndarray, what: str) -> None:
    """Refuses uint8 images of 0 and 1 only, which would be all but black.

    Raises:
      UserError: no value of the sample is above 1, and some are 1.
    """
    if sample.size and sample.max() == 1:
        raise UserError(f"{what} are uint8 with values 0 and 1 only: store them as bool, or multiply by 255.")
