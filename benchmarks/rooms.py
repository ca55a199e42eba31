"""Renders a data set of known factors: an object in a coloured room, 32 x 32 x 3, six factors, 15,552 images.

    python benchmarks/rooms.py                       runs/rooms.npz, in seconds
    python benchmarks/rooms.py --output=other.npz

Factors, the last one varying fastest: shape (ball, box, cone), size (4), x (6), and the hues of object, wall and
floor (6 each, from red to violet, so that each range has two ends). Every combination occurs once. Three of six
factors are colours, as in Shapes3D (Kim and Mnih 2018); in scenes.py one is, besides the ground. Each pixel is the
mean of 4 x 4 samples. Nothing is random. No setting of rdl was chosen by results on these images.
"""

import argparse
import colorsys
from pathlib import Path

import numpy as np

from rdl.runs import files

SIDE, POINTS = 32, 4
FACTORS = {"shape": 3, "size": 4, "x": 6, "hue": 6, "wall": 6, "floor": 6}
_HORIZON = 18  # pixels from the top
_FOOT = 27.0  # where the object stands


def mask(shape: int, size: int, x: int) -> np.ndarray:
    """Returns the share of each pixel that the object covers, [side, side] in [0, 1]."""
    places = (np.arange(SIDE * POINTS) + 0.5) / POINTS
    radius = 3.4 + 1.3 * size  # the ball's; box and cone have its area
    across = places[None, :] - (10.2 + 2.32 * x)
    above = _FOOT - places[:, None]
    if shape == 0:
        inside = across**2 + (above - radius) ** 2 <= radius**2
    elif shape == 1:
        side = 1.772 * radius
        inside = (np.abs(across) <= side / 2) & (above >= 0) & (above <= side)
    else:
        height = 2.507 * radius  # as high as its foot is wide
        inside = (above >= 0) & (np.abs(across) <= (height - above) / 2)
    return inside.reshape(SIDE, POINTS, SIDE, POINTS).mean(axis=(1, 3))


def render() -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 [n, side, side, 3], and their factors, int64 [n, 6]."""
    sizes = tuple(FACTORS.values())
    factors = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)
    masks = {state: mask(*state) for state in np.ndindex(sizes[:3])}
    objects, walls, floors = _colours(0.9, 0.95), _colours(0.35, 0.85), _colours(0.6, 0.55)
    images = np.empty((len(factors), SIDE, SIDE, 3), np.uint8)
    for i, (*state, hue, wall, floor) in enumerate(factors.tolist()):
        covered = masks[tuple(state)][..., None]
        back = np.empty((SIDE, SIDE, 3))
        back[:_HORIZON], back[_HORIZON:] = walls[wall], floors[floor]
        images[i] = np.rint(255 * (covered * objects[hue] + (1 - covered) * back))
    return images, factors


def _colours(saturation: float, value: float) -> np.ndarray:
    """Returns six colours from red to violet, [6, 3] in [0, 1]."""
    return np.array([colorsys.hsv_to_rgb(0.78 * hue / 5, saturation, value) for hue in range(6)])


def main() -> None:
    """Renders the data set and writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/rooms.npz"))
    options = parser.parse_args()
    images, factors = render()
    files.write_npz(options.output, {"images": images, "factors": factors, "factor_names": np.array(list(FACTORS))})
    print(f"{options.output}: {len(images):,} images of {SIDE} x {SIDE} x 3, factors {', '.join(FACTORS)}")


if __name__ == "__main__":
    main()
