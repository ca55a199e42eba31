"""Renders a data set of known factors: coloured shapes over a ground, 32 x 32 x 3, six factors, 13,824 images.

    python benchmarks/scenes.py                       runs/scenes.npz, in seconds
    python benchmarks/scenes.py --output=other.npz
    python benchmarks/scenes.py --folder=scenes       5,000 of the images as PNG files, factors in scenes.csv

Factors, the last one varying fastest: shape (disc, square, triangle), size (4), x (6), y (6), hue of the shape (8, from
red to violet, so that the range has two ends) and ground (4 colours). Every combination occurs once. Each pixel is the
mean of 4 x 4 samples, so edges are smooth. Nothing is random.
"""

from pathlib import Path

import drawing
import numpy as np
from drawing import POINTS, SIDE
from PIL import Image

from rdl.runs import files

FACTORS = {"shape": 3, "size": 4, "x": 6, "y": 6, "hue": 8, "ground": 4}
_HORIZON = 21  # pixels from the top
_SKY = np.array([0.62, 0.72, 0.80])
_GROUNDS = np.array([[0.18, 0.18, 0.20], [0.36, 0.30, 0.22], [0.30, 0.44, 0.26], [0.80, 0.74, 0.58]])


def mask(shape: int, size: int, x: int, y: int) -> np.ndarray:
    """Returns the share of each pixel that the shape covers, [side, side] in [0, 1]."""
    across, down = POINTS[None, :] - (10 + 2.4 * x), POINTS[:, None] - (11.5 + 2.4 * y)
    radius = 3.0 + 1.1 * size
    if shape == 0:
        inside = across**2 + down**2 <= radius**2
    elif shape == 1:  # a square of the disc's area
        inside = np.maximum(np.abs(across), np.abs(down)) <= 0.886 * radius
    else:  # an equilateral triangle of the disc's area around its centroid
        height = 2.333 * radius
        below_top = down + height * 2 / 3
        inside = (below_top >= 0) & (below_top <= height) & (np.abs(across) <= below_top / np.sqrt(3))
    return drawing.cover(inside)


def render() -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 [n, side, side, 3], and their factors, int64 [n, 6]."""
    sizes = tuple(FACTORS.values())
    factors = drawing.combine(sizes)
    masks = {state: mask(*state) for state in np.ndindex(sizes[:4])}
    hues = drawing.red_to_violet(FACTORS["hue"], 0.85, 0.95)
    backs = np.tile(_SKY, (len(_GROUNDS), SIDE, SIDE, 1))
    backs[:, _HORIZON:] = _GROUNDS[:, None, None]
    images = np.empty((len(factors), SIDE, SIDE, 3), np.uint8)
    for i, (*state, hue, ground) in enumerate(factors.tolist()):
        images[i] = drawing.compose(masks[tuple(state)], hues[hue], backs[ground])
    return images, factors


def write_folder(images: np.ndarray, factors: np.ndarray, folder: Path, number: int = 5000) -> Path:
    """Writes ``number`` random images to ``folder/00000.png`` and following, and their factors to ``folder.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = np.random.default_rng(0).permutation(len(images))[:number]
    lines = [",".join(["image", *FACTORS])]
    for i, image in enumerate(chosen.tolist()):
        Image.fromarray(images[image]).save(folder / f"{i:05d}.png")
        lines.append(",".join([f"{i:05d}.png", *map(str, factors[image].tolist())]))
    labels = folder.with_suffix(".csv")
    files.write_text(labels, "\n".join(lines) + "\n")
    return labels


def main() -> None:
    """Renders the data set and writes a file, or a folder with labels."""
    parser = drawing.make_parser(__doc__, "runs/scenes.npz")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    images, factors = render()
    if options.folder is not None:
        print(f"{options.folder} and {write_folder(images, factors, options.folder)}")
        return
    drawing.write(options.output, images, factors, tuple(FACTORS))


if __name__ == "__main__":
    main()
