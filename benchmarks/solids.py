"""Renders a data set of known factors: a shaded solid on the floor of a room, 32 x 32 x 3, six factors, 12,000 images.

    python benchmarks/solids.py                      runs/solids.npz, in seconds
    python benchmarks/solids.py --output=other.npz

Factors, the last one varying fastest: floor hue, wall hue and object hue (5 values each), size (4), shape (sphere,
cylinder, cube) and azimuth (8). Every combination occurs once. The factors are those of Shapes3D (Kim and Mnih 2018,
arXiv 1802.05983) with fewer values; the images are drawn here. Azimuth turns the camera around the centre of a square
room, where the solid stands; light and walls stay fixed. Each pixel is the mean of 4 x 4 rays; shading is Lambert's
with an ambient term. Nothing is random.
"""

import drawing
import numpy as np
from drawing import POINTS, SIDE

FACTORS = {"floor_hue": 5, "wall_hue": 5, "object_hue": 5, "size": 4, "shape": 3, "azimuth": 8}
FLOOR, WALL, OBJECT = range(3)
_ROOM = 3.0  # half the room's width; the solid stands at its centre, z points up
_EYE, _TARGET, _FIELD = (2.8, 1.7), 0.45, 0.62  # the camera's distance and height, where it looks, its half width
_LIGHT = np.array([0.45, -0.35, 0.82]) / np.linalg.norm([0.45, -0.35, 0.82])
_AMBIENT = 0.35


def camera_rays(azimuth: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the camera's position [3] and the unit directions of all rays [rays, 3]; the azimuth is in radians."""
    eye = np.array([_EYE[0] * np.cos(azimuth), _EYE[0] * np.sin(azimuth), _EYE[1]])
    forward = np.array([0.0, 0.0, _TARGET]) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    places = (POINTS / SIDE * 2 - 1) * _FIELD
    x, y = np.meshgrid(places, -places)
    directions = forward + x[..., None] * right + y[..., None] * up
    directions = directions.reshape(-1, 3)
    return eye, directions / np.linalg.norm(directions, axis=1, keepdims=True)


def hit_room(eye: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns where rays leave the room: distances [rays], normals [rays, 3], and FLOOR or WALL [rays]."""
    with np.errstate(divide="ignore"):
        walls = (np.sign(directions[:, :2]) * _ROOM - eye[:2]) / directions[:, :2]
        floor = np.where(directions[:, 2] < 0, -eye[2] / directions[:, 2], np.inf)
    axis = walls.argmin(axis=1)
    nearest = walls.min(axis=1)
    is_floor = floor < nearest
    normals = np.zeros_like(directions)
    rows = np.arange(len(directions))
    normals[rows, axis] = -np.sign(directions[rows, axis])
    normals[is_floor] = (0, 0, 1)
    return np.where(is_floor, floor, nearest), normals, np.where(is_floor, FLOOR, WALL)


def hit_solid(shape: int, size: float, eye: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns where rays meet the solid: distances [rays], infinite where they miss, and normals [rays, 3].

    ``size`` is half the solid's height. All three shapes stand on the floor.
    """
    origin = eye - np.array([0.0, 0.0, size])
    if shape == 0:
        distance = _quadratic(origin, directions, size)
        return distance, _at(origin, directions, distance) / size
    if shape == 1:
        return _cylinder(origin, directions, size)
    return _slabs(origin, directions, size)


def _at(origin: np.ndarray, directions: np.ndarray, distance: np.ndarray) -> np.ndarray:
    return origin + np.where(np.isfinite(distance), distance, 0.0)[:, None] * directions


def _quadratic(origin: np.ndarray, directions: np.ndarray, radius: float) -> np.ndarray:
    """Distances to a sphere, or to a circle for vectors of two entries; infinite for rays that miss."""
    a, b = (directions**2).sum(axis=1), directions @ origin
    root = b**2 - a * (origin @ origin - radius**2)
    distance = (-b - np.sqrt(np.maximum(root, 0))) / a
    return np.where((root > 0) & (distance > 0), distance, np.inf)


def _cylinder(origin: np.ndarray, directions: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    side = _quadratic(origin[:2], directions[:, :2], size)
    points = _at(origin, directions, side)
    side = np.where(np.abs(points[:, 2]) <= size, side, np.inf)
    top = (size - origin[2]) / directions[:, 2]
    inside = (_at(origin, directions, top)[:, :2] ** 2).sum(axis=1) <= size**2
    top = np.where((top > 0) & inside, top, np.inf)
    normals = points / size * [1, 1, 0]
    normals[top < side] = (0, 0, 1)
    return np.minimum(side, top), normals


def _slabs(origin: np.ndarray, directions: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """An axis-aligned cube whose side is 0.85 times as long as the sphere's diameter; it stands on the floor."""
    half = 0.85 * size
    origin = origin + np.array([0.0, 0.0, size - half])
    with np.errstate(divide="ignore"):
        ends = np.stack([(sign * half - origin) / directions for sign in (-1, 1)])
    near, far = ends.min(axis=0), ends.max(axis=0)
    axis, enter = near.argmax(axis=1), near.max(axis=1)
    distance = np.where((enter < far.min(axis=1)) & (enter > 0), enter, np.inf)
    normals = np.zeros_like(directions)
    rows = np.arange(len(directions))
    normals[rows, axis] = -np.sign(directions[rows, axis])
    return distance, normals


def shade(shape: int, size: int, azimuth: int) -> np.ndarray:
    """Returns the light that each pixel gets from floor, walls and solid in white, [side, side, 3] in [0, 1]."""
    eye, directions = camera_rays(np.deg2rad(-60 + 120 * azimuth / (FACTORS["azimuth"] - 1)))
    room, normals, surface = hit_room(eye, directions)
    solid, solid_normals = hit_solid(shape, 0.42 + 0.12 * size, eye, directions)
    seen = solid < room
    surface, normals = np.where(seen, OBJECT, surface), np.where(seen[:, None], solid_normals, normals)
    light = _AMBIENT + (1 - _AMBIENT) * np.maximum(normals @ _LIGHT, 0)
    per_ray = np.where(surface[:, None] == np.arange(3), light[:, None], 0.0)
    return np.stack([drawing.cover(rays) for rays in per_ray.T], axis=-1)


def render() -> tuple[np.ndarray, np.ndarray]:
    """Returns the images, uint8 [n, side, side, 3], and their factors, int64 [n, 6]."""
    sizes = tuple(FACTORS.values())
    factors = drawing.combine(sizes)
    light = np.stack([shade(shape, size, azimuth) for size, shape, azimuth in np.ndindex(sizes[3:])])
    tones = (0.55, 0.75), (0.35, 0.95), (0.9, 1.0)  # floor, wall, object
    colours = np.stack([drawing.red_to_violet(5, *tone) for tone in tones])
    painted = [colours[range(3), hues] for hues in np.ndindex(sizes[:3])]  # [surfaces, channels] each
    images = np.concatenate([np.rint(255 * light @ colour).astype(np.uint8) for colour in painted])
    return images, factors


def main() -> None:
    """Renders the data set and writes it."""
    output = drawing.make_parser(__doc__, "runs/solids.npz").parse_args().output
    drawing.write(output, *render(), tuple(FACTORS))


if __name__ == "__main__":
    main()
