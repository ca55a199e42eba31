"""Draws two data sets on which no setting of rdl was chosen: the test sets of the evidence page.

    python benchmarks/frozen_sets.py            runs/wheels.npz and runs/pebbles.npz, in seconds

Both were drawn and committed before the first model was trained on them.

wheels (20,736 images of 32 x 32 x 3): every combination of shape (disc, ring, cross), x (8), y (8), size (3), hue (12,
once around the colour circle, so that the last value is next to the first) and the grey of the background (3).

pebbles (20,000 images of 32 x 32 x 3): an ellipse with five factors of continuous values, each uniform and independent:
x, y, area, hue (from red to blue) and the grey of the background. The seed is fixed.

A pixel's colour is the mean over 4 x 4 points.
"""

import argparse
import colorsys
from pathlib import Path

import drawing
import numpy as np
from drawing import POINTS, SIDE

WHEELS = {"shape": 3, "x": 8, "y": 8, "size": 3, "hue": 12, "background": 3}
PEBBLES = {"x": (10.0, 22.0), "y": (10.0, 22.0), "area": (30.0, 160.0), "hue": (0.0, 0.66), "background": (0.1, 0.7)}
_COUNT, _SEED = 20_000, 20_261_130


def draw_wheels() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 [20736, 32, 32, 3], and their factors, int64 [20736, 6]."""
    sizes = tuple(WHEELS.values())
    factors = drawing.combine(sizes)
    hues = np.array([colorsys.hsv_to_rgb(hue / sizes[4], 0.9, 0.95) for hue in range(sizes[4])])
    masks = {state: _wheel(*state) for state in np.ndindex(sizes[:4])}
    images = np.empty((len(factors), SIDE, SIDE, 3), np.uint8)
    for i, (shape, x, y, size, hue, background) in enumerate(factors.tolist()):
        images[i] = drawing.compose(masks[shape, x, y, size], hues[hue], 0.15 + 0.3 * background)
    return images, factors


def draw_pebbles() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 [20000, 32, 32, 3], and their factors, float64 [20000, 5], in the units of `PEBBLES`."""
    low, high = np.array(list(PEBBLES.values())).T
    factors = np.random.default_rng(_SEED).uniform(low, high, size=(_COUNT, len(PEBBLES)))
    images = np.empty((_COUNT, SIDE, SIDE, 3), np.uint8)
    for i, (x, y, area, hue, background) in enumerate(factors.tolist()):
        across, down = POINTS[None, :] - x, POINTS[:, None] - y
        inside = (across / 1.25) ** 2 + (down * 1.25) ** 2 <= area / np.pi
        images[i] = drawing.compose(drawing.cover(inside), np.array(colorsys.hsv_to_rgb(hue, 0.85, 0.95)), background)
    return images, factors


def _wheel(shape: int, x: int, y: int, size: int) -> np.ndarray:
    """How much of each pixel the shape covers, [side, side] in [0, 1]."""
    across, down = POINTS[None, :] - (9.2 + 1.94 * x), POINTS[:, None] - (9.2 + 1.94 * y)
    radius = 3.8 + 1.5 * size
    distance = np.hypot(across, down)
    if shape == 0:
        inside = distance <= radius
    elif shape == 1:
        inside = (distance <= 1.1 * radius) & (distance >= 0.55 * radius)
    else:
        inside = (np.minimum(np.abs(across), np.abs(down)) <= 0.4 * radius) & (distance <= 1.15 * radius)
    return drawing.cover(inside)


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs"))
    folder = parser.parse_args().folder
    for name, draw, names in (("wheels", draw_wheels, WHEELS), ("pebbles", draw_pebbles, PEBBLES)):
        drawing.write(folder / f"{name}.npz", *draw(), tuple(names))


if __name__ == "__main__":
    main()
