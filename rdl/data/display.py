"""Images for display: colours, rows of images, and PNG."""

import io

import numpy as np
from PIL import Image


def to_rgb(images: np.ndarray) -> np.ndarray:
    """Images [.., channels] of any number of channels as RGB [.., 3] of the same type.

    Grey becomes grey, RGB stays. Of other numbers of channels the first is shown in red, the last in blue and those
    between in the colours between, so that no channel is invisible; equal channels give grey.
    """
    channels = images.shape[-1]
    if channels == 3:
        return images
    if channels == 1:
        return np.repeat(images, 3, axis=-1)
    place = np.linspace(0, 2, channels)[:, np.newaxis]
    weights = np.maximum(0, 1 - np.abs(place - np.arange(3)))  # [channels, 3]
    weights = np.where(weights.sum(axis=0) > 0, weights, 1.0)  # of two channels, green is the mean
    mixed = images.astype(np.float32) @ (weights / weights.sum(axis=0)).astype(np.float32)
    return np.rint(mixed).astype(images.dtype) if images.dtype.kind in "iu" else mixed.astype(images.dtype)


def tile_images(images: np.ndarray, columns: int, gap: int = 1, shade: int = 128) -> np.ndarray:
    """Arranges images [n, height, width, channels] in rows of ``columns`` with thin lines between them."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), shade, np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def encode_png(image: np.ndarray) -> bytes:
    """A uint8 image [height, width, channels] as the bytes of a PNG file; grey with one channel, otherwise RGB."""
    buffer = io.BytesIO()
    pixels = image.squeeze(-1) if image.shape[-1] == 1 else to_rgb(image)
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return buffer.getvalue()
