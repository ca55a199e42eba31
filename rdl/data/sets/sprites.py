"""Renders any of the 737,280 images of dSprites from its index, without the official file.

The program that drew the originals is not published. This one was fitted to 66,080 genuine images: 99.986 % are
reproduced exactly, the others differ in one pixel. To use the official file instead, put it in the data folder
(`docs/data.md`).

A square, an ellipse or a heart is scaled, rotated and moved as a polygon whose corners lie on a grid of 1/256 pixel,
and filled by the even-odd rule with one sample at each pixel's centre. Canvas 64 x 64, y down, pixel i covers
[i, i + 1]. All arithmetic after the rounding of the corners is in integers, so every machine draws the same image.
"""

import numpy as np

from rdl.data.factors import FactorSpace
from rdl.data.sources import Source, unpack

SIZE = 64
SPACE = FactorSpace(("shape", "scale", "orientation", "x", "y"), (3, 6, 40, 32, 32))

_UNIT = 256  # corners per pixel
_BATCH = 256  # images drawn at once: bounds the memory of the table of edges and rows
_WINDOW = 30  # rows that the largest sprite can touch: 2 * 1.33 * 9.6 pixels, and two rows that it cuts


def _square() -> tuple[np.ndarray, np.ndarray]:
    return np.array([-1.0, 1.0, 1.0, -1.0]), np.array([-1.0, -1.0, 1.0, 1.0])


def _ellipse() -> tuple[np.ndarray, np.ndarray]:
    t = 2 * np.pi * np.arange(100) / 100
    return 1.33 * np.cos(t), np.sin(t) / 1.33


def _heart() -> tuple[np.ndarray, np.ndarray]:
    t = 2 * np.pi * np.arange(150) / 150
    up = 0.15 + (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 14.5
    return np.sin(t) ** 3, -up


_OUTLINES = (_square(), _ellipse(), _heart())


def _corners(factors: np.ndarray, shape: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the polygons' corners in 1/256 pixel, int64 [n, corners] each."""
    _, scale, orientation, x, y = factors.T[:, :, np.newaxis]
    outline_x, outline_y = _OUTLINES[shape]
    radius = 9.6 * (0.5 + 0.1 * scale)
    angle = 2 * np.pi * orientation / 39
    cos, sin = np.cos(angle), np.sin(angle)
    across = 16 + 32 * x / 31 + radius * (cos * outline_x + sin * outline_y)
    down = 16 + 32 * y / 31 + radius * (cos * outline_y - sin * outline_x)
    return np.rint(_UNIT * across).astype(np.int64), np.rint(_UNIT * down).astype(np.int64)


def _fill(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rows of the filled polygons as bits, leftmost pixel in the highest bit: uint64 [n, 64].

    An edge crosses a row when the row's centre lies below the edge's upper end and not below its lower end; all pixels
    to the right of a crossing are toggled. A centre on a left or bottom edge is inside, on a right or top edge outside.
    """
    x_next, y_next = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    downward = y <= y_next
    top_x, top_y = np.where(downward, x, x_next), np.where(downward, y, y_next)
    bottom_x, bottom_y = np.where(downward, x_next, x), np.where(downward, y_next, y)

    first_row = np.clip(y.min(axis=1) // _UNIT, 0, SIZE - _WINDOW)
    rows = first_row[:, np.newaxis] + np.arange(_WINDOW)
    centres = (_UNIT * rows + _UNIT // 2)[:, :, np.newaxis]
    image, row, edge = np.nonzero((top_y[:, np.newaxis] < centres) & (centres <= bottom_y[:, np.newaxis]))

    height = bottom_y[image, edge] - top_y[image, edge]
    below_top = centres[image, row, 0] - top_y[image, edge]
    # The first pixel whose centre is not left of the crossing: ceil((crossing - unit / 2) / unit), exactly.
    numerator = (top_x[image, edge] - _UNIT // 2) * height
    numerator += below_top * (bottom_x[image, edge] - top_x[image, edge])
    pixel = np.clip(-(-numerator // (_UNIT * height)), 0, SIZE)

    bits = np.zeros((len(x), SIZE), np.uint64)
    rest = np.append(np.uint64(2**64 - 1) >> np.arange(SIZE, dtype=np.uint64), np.uint64(0))
    np.bitwise_xor.at(bits, (image, rows[image, row]), rest[pixel])
    return bits


def render_bits(indices: np.ndarray) -> np.ndarray:
    """Images [n] as packed bits, uint8 [n, 512]: 64 rows of 8 bytes, leftmost pixel in the highest bit."""
    factors = SPACE.factors(indices)
    bits = np.empty((len(factors), SIZE), np.uint64)
    for shape in range(len(_OUTLINES)):
        members = np.flatnonzero(factors[:, 0] == shape)
        for start in range(0, len(members), _BATCH):
            batch = members[start : start + _BATCH]
            bits[batch] = _fill(*_corners(factors[batch], shape))
    return bits.astype(">u8").view(np.uint8)


class RenderedSprites(Source):
    """All of dSprites, each image drawn on demand."""

    _shape = (SIZE, SIZE, 1)
    binary = True
    _key = "dsprites rendered 1"  # raise the number when the drawing changes: it names the caches

    def __len__(self) -> int:
        return SPACE.num_states

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, 64, 64, 1] of 0 and 255."""
        return unpack(render_bits(indices), self.shape)
