"""Draws images of known factors, 32 x 32 x 3, each pixel the mean of 4 x 4 points; used by the scripts of each set."""

import argparse
import colorsys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rdl.runs import files

SIDE, SAMPLES = 32, 4
POINTS = (np.arange(SIDE * SAMPLES) + 0.5) / SAMPLES
"""Places of the points along one side of an image, in pixels."""


def combine(sizes: Iterable[int]) -> np.ndarray:
    """Every combination of the factors' values, the last factor varying fastest, int64 [n, factors]."""
    sizes = tuple(sizes)
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)


def cover(inside: np.ndarray) -> np.ndarray:
    """Share of each pixel that a shape covers, [side, side] in [0, 1], from bool [points, points]."""
    return inside.reshape(SIDE, SAMPLES, SIDE, SAMPLES).mean(axis=(1, 3))


def red_to_violet(count: int, saturation: float, value: float) -> np.ndarray:
    """Colours whose hue has two ends, [count, 3] in [0, 1]."""
    return np.array([colorsys.hsv_to_rgb(0.78 * hue / (count - 1), saturation, value) for hue in range(count)])


def compose(covered: np.ndarray, colour: np.ndarray, background: np.ndarray | float) -> np.ndarray:
    """A shape of one colour before a background, uint8 [side, side, 3].

    Args:
      covered: share of each pixel that the shape covers, [side, side].
      colour: [3] in [0, 1].
      background: [side, side, 3] or a grey level, in [0, 1].
    """
    share = covered[..., None]
    return np.rint(255 * (share * colour + (1 - share) * background)).astype(np.uint8)


def make_parser(description: str | None, default: str) -> argparse.ArgumentParser:
    """A parser of the command line with ``--output``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(default))
    return parser


def write(path: Path, images: np.ndarray, factors: np.ndarray, names: Sequence[str]) -> None:
    """Writes a data set as an npz file that rdl reads, and prints its size."""
    files.write_npz(path, {"images": images, "factors": factors, "factor_names": np.array(list(names))})
    print(f"{path}: {len(images):,} images of {SIDE} x {SIDE} x 3, factors {', '.join(names)}")
