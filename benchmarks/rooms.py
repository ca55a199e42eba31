"""Renders a data set of known factors: an object in a coloured room, 32 x 32 x 3, six factors, 15,552 images.

    python benchmarks/rooms.py                       runs/rooms.npz, in seconds
    python benchmarks/rooms.py --output=other.npz

Factors, the last one varying fastest: shape (ball, box, cone), size (4), x (6), and the hues of object, wall and
floor (6 each, from red to violet, so that each range has two ends). Every combination occurs once. Three of six
factors are colours, as in Shapes3D (Kim and Mnih 2018); in scenes.py one is, besides the ground. Each pixel is the
mean of 4 x 4 samples. Nothing is random. No setting of rdl was chosen by results on these images.
"""

import drawing
import numpy as np
from drawing import POINTS, SIDE

FACTORS = {"shape": 3, "size": 4, "x": 6, "hue": 6, "wall": 6, "floor": 6}
_HORIZON = 18  # pixels from the top
_FOOT = 27.0  # where the object stands


def mask(shape: int, size: int, x: int) -> np.ndarray:
    """Returns the share of each pixel that the object covers, [side, side] in [0, 1]."""
    radius = 3.4 + 1.3 * size  # the ball's; box and cone have its area
    across = POINTS[None, :] - (10.2 + 2.32 * x)
    above = _FOOT - POINTS[:, None]
    if shape == 0:
        inside = across**2 + (above - radius) ** 2 <= radius**2
    elif shape == 1:
        side = 1.772 * radius
        inside = (np.abs(across) <= side / 2) & (above >= 0) & (above <= side)
    else:
        height = 2.507 * radius  # as high as its foot is wide
        inside = (above >= 0) & (np.abs(across) <= (height - above) / 2)
    return drawing.cover(inside)


def render() -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 [n, side, side, 3], and their factors, int64 [n, 6]."""
    sizes = tuple(FACTORS.values())
    factors = drawing.combine(sizes)
    masks = {state: mask(*state) for state in np.ndindex(sizes[:3])}
    objects, walls, floors = (drawing.red_to_violet(6, *tone) for tone in ((0.9, 0.95), (0.35, 0.85), (0.6, 0.55)))
    images = np.empty((len(factors), SIDE, SIDE, 3), np.uint8)
    for i, (*state, hue, wall, floor) in enumerate(factors.tolist()):
        back = np.empty((SIDE, SIDE, 3))
        back[:_HORIZON], back[_HORIZON:] = walls[wall], floors[floor]
        images[i] = drawing.compose(masks[tuple(state)], objects[hue], back)
    return images, factors


def main() -> None:
    """Renders the data set and writes it."""
    output = drawing.make_parser(__doc__, "runs/rooms.npz").parse_args().output
    drawing.write(output, *render(), tuple(FACTORS))


if __name__ == "__main__":
    main()
