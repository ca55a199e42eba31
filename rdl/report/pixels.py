"""Pixels of pages and pictures: images in rows, and PNG."""

import io

import numpy as np
from PIL import Image

from rdl.data.display import to_rgb


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
