"""Decodes picture files: orientation applied, palettes resolved, all bits kept, transparency separate."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rdl.data.formats.reading import describe_cause
from rdl.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_DEEP = ("I", "F")  # first letters of Pillow's modes with more than 8 bits per channel
_ORIENTATION = 0x0112  # EXIF's tag
_FULL_ALPHA = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
      pixels: [height, width, 1 or 3] of uint8, uint16, int32 or float32, as stored.
      alpha: opacity in [0, 1], float32 [height, width, 1]; None where all pixels are opaque.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None


@dataclass(frozen=True)
class Header:
    """The properties of a picture that are known before its pixels are decoded.

    Attributes:
      height, width: in pixels, orientation applied.
      is_plain: 8 bits per channel and no transparency.
      frames: number of pictures in the file.
    """

    height: int
    width: int
    is_plain: bool
    frames: int


def open_picture(path: Path, use: Callable[[Image.Image], Result]) -> Result:
    """Calls ``use`` with the open picture, of formats that Pillow decodes without another program.

    Raises:
      UserError: the file is not a picture, is damaged, cannot be read, or holds more than a picture should.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about unusual colours and comments: only the pixels matter
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                return use(image)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"{path} is not a picture, or it is damaged: remove it or get it again.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(f"{path} is larger than a picture should be: make it smaller, or remove it.") from None
    except PermissionError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}; change its permissions.") from error
    except Exception as error:  # Pillow's decoders raise exceptions of any kind for files that are cut short or damaged
        raise UserError(f"Cannot read {path}: {describe_cause(error)}; remove it or get it again.") from error


def read_header(path: Path) -> Header:
    """Size and kind of a picture.

    Raises:
      UserError: see `open_picture`.
    """

    def use(image: Image.Image) -> Header:
        width, height = image.size
        plain = not (image.has_transparency_data or image.mode.startswith(_DEEP) or _bits_of_raw_data(image) > 8)
        frames = getattr(image, "n_frames", 1)
        if image.format != "PNG" or "exif" in image.info:  # for an absent entry, Pillow would decode a PNG to its end
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)  # these exchange height and width
            height, width = (width, height) if turned else (height, width)
        return Header(height, width, plain, frames)

    return open_picture(path, use)


def decode_picture(path: Path) -> Picture:
    """The first picture of a file.

    Raises:
      UserError: see `open_picture`.
    """
    return open_picture(path, _decode)


def _decode(image: Image.Image) -> Picture:
    if _bits_of_raw_data(image) > 8 and not image.mode.startswith(_DEEP):
        return _decode_deep_colours(image)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(_DEEP):
        pixels = np.asarray(image)
        return Picture(np.atleast_3d(pixels.astype(pixels.dtype.newbyteorder("="))), None)
    grey = image.mode in ("1", "L", "LA", "La")
    if not image.has_transparency_data:
        return Picture(np.atleast_3d(np.asarray(image.convert("L" if grey else "RGB"))), None)
    return _split_alpha(np.asarray(image.convert("LA" if grey else "RGBA")))


def _split_alpha(stored: np.ndarray) -> Picture:
    """[height, width, 2 or 4] with the opacity last."""
    full = _FULL_ALPHA[stored.dtype]
    pixels, alpha = stored[..., :-1], stored[..., -1:]
    return Picture(pixels, None if alpha.min() == full else alpha.astype(np.float32) / np.float32(full))


def _bits_of_raw_data(image: Any) -> int:
    """8, or 16 for colours or transparency with 16 bits per channel, whose lower bytes Pillow drops."""
    args = image.tile[0].args if getattr(image, "tile", None) else ""
    raw_mode = args[0] if isinstance(args, tuple) and args else args
    return 16 if isinstance(raw_mode, str) and ";16" in raw_mode else 8


def _decode_deep_colours(image: Any) -> Picture:
    """Decodes 16 bits per channel in two passes: Pillow's own for the upper bytes, then one for the lower bytes.

    The second pass reads the same data in the other byte order, so that Pillow keeps the byte that it dropped before.
    """
    path, tiles, exif = image.filename, image.tile, image.getexif().get(_ORIENTATION, 1)
    raw_mode = tiles[0].args[0] if isinstance(tiles[0].args, tuple) else tiles[0].args
    if raw_mode.startswith("LA;"):  # no lower-byte pass exists for grey with opacity: takes its 4 bytes as 4 channels
        stored = _decode_as(path, "RGBA", "RGBA").astype(np.uint16)
        values = stored[..., 0::2] * np.uint16(256) + stored[..., 1::2]
    else:
        big = raw_mode.endswith("B")
        other = raw_mode.rstrip("BLN") + ("L" if big else "B")
        upper = _decode_as(path, image.mode, raw_mode).astype(np.uint16)
        values = upper * np.uint16(256) + _decode_as(path, image.mode, other)
    values = _orient(values, exif)
    return _split_alpha(values) if values.shape[-1] in (2, 4) else Picture(values, None)


def _decode_as(path: str, mode: str, raw_mode: str) -> np.ndarray:
    image: Any
    with Image.open(path, formats=_FORMATS) as image:
        image._mode = mode
        image.tile = [
            tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
            for tile in image.tile
        ]
        return np.asarray(image)


def _orient(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Applies EXIF's orientation (1 to 8) to [height, width, channels]."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
