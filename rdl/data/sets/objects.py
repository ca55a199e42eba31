"""Images of objects with known factors: shapes3d, mpi3d, cars3d and smallnorb from their official files."""

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from rdl.data import cache, official
from rdl.data.factors import Grid
from rdl.data.formats import matlab, npz
from rdl.data.formats.hdf5 import Hdf5Source
from rdl.data.formats.reading import describe_cause
from rdl.data.formats.treatment import Treatment
from rdl.data.sources import MappedSource, Selection, Source
from rdl.errors import UserError

_TO_64 = Treatment(size=64)  # Lanczos, as disentanglement_lib
_SHAPES3D = Grid.over(
    ("floor_colour", "wall_colour", "object_colour", "object_size", "object_type", "azimuth"), (10, 10, 10, 8, 4, 15)
)
_MPI3D_NAMES = (
    "object_colour", "object_shape", "object_size", "camera_height", "background_colour", "first_axis", "second_axis"
)  # fmt: skip
_MPI3D_SIZES = ((4, 4, 2, 3, 3, 40, 40), (6, 6, 2, 3, 3, 40, 40))  # published in two extents
_NORB_SIZES = (5, 10, 9, 18, 6)
_NORB_PIXELS, _NORB_VALUES = 1 << 16, 1 << 30  # per image, per file: more than the published files have
_NORB_TYPES: dict[int, np.dtype] = {0x1E3D4C55: np.dtype("u1"), 0x1E3D4C54: np.dtype("<i4")}


def shapes3d() -> tuple[Source, Grid]:
    """3D Shapes, 480,000 images, read lazily from 3dshapes.h5 or disentanglement_lib's npz."""
    path = official.SHAPES3D.require("shapes3d")
    source = Hdf5Source(path, "images") if path.suffix == ".h5" else _npz_source(path)
    _expect(len(source), source.shape, [_SHAPES3D.full.sizes], path)
    return source, _SHAPES3D


def mpi3d(kind: str) -> tuple[Source, Grid]:
    """MPI3D (toy, realistic or real) in either published extent, recognised by the number of images."""
    path = official.MPI3D[kind].require(f"mpi3d_{kind}")
    source = _npz_source(path)
    sizes = _expect(len(source), source.shape, list(_MPI3D_SIZES), path)
    return source, Grid.over(_MPI3D_NAMES, sizes)


def _expect(length: int, shape: tuple[int, ...], extents: list[tuple[int, ...]], path: Path) -> tuple[int, ...]:
    for sizes in extents:
        if (length, shape) == (math.prod(sizes), (64, 64, 3)):
            return sizes
    lengths = " or ".join(f"{math.prod(sizes):,}" for sizes in extents)
    raise UserError(
        f"Expected {lengths} images of 64 x 64 x 3 in {path}, got {length:,} of {'x'.join(map(str, shape))}: "
        "get the file again."
    )


def _npz_source(path: Path) -> Source:
    """`images` [..., 64, 64, 3]: read in place where they are stored uncompressed, else unpacked once into a cache."""
    entry = npz.read_npz_header(path, "images")
    if entry.dtype != np.uint8 or entry.shape[-3:] != (64, 64, 3):
        raise UserError(f"Expected uint8 'images' [.., 64, 64, 3] in {path}, got {entry.dtype} {list(entry.shape)}.")
    length, key = math.prod(entry.shape[:-3]), npz.file_identity(path)
    if entry.offset is not None:
        cache.check_in_place(entry)
        return MappedSource(path, entry.offset, length, (64, 64, 3), key)
    return cache.build_cache(key, length, (64, 64, 3), npz.stream_npz(entry, (64, 64, 3)))


def cars3d() -> tuple[Source, Grid]:
    """3D cars: 183 files `*.mat` of 4 elevations and 24 azimuths, resized to 64 x 64.

    Objects are numbered in the order of the files' names. disentanglement_lib takes the file system's order, so its
    object numbers differ between machines.
    """
    folder = (official.data_folder() / "cars").absolute()
    files = sorted(folder.glob("*.mat"))
    if not files:
        official.CARS3D.require("cars3d")
    names, sizes = ("object_type", "azimuth", "elevation"), (len(files), 24, 4)
    full = Grid.over(names, sizes).full
    key = f"cars3d {' '.join(npz.file_identity(file) for file in files)}"
    source = cache.find_cached(key) or cache.decode_once(key, full.num_states, (64, 64, 3), _cars(files))
    return source, Grid(full, latent=(2, 1, 0))


def _cars(files: list[Path]) -> Iterator[np.ndarray]:
    for file in files:
        images = matlab.read_matlab_array(file, "im")
        if images.shape[2:] != (3, 24, 4):
            raise UserError(
                f"Expected 'im' in {file} to be uint8 [height, width, 3, 24, 4], got {images.dtype} "
                f"{list(images.shape)}."
            )
        ordered = images.transpose(3, 4, 0, 1, 2).reshape(-1, *images.shape[:3])
        yield np.stack([_TO_64.apply(image) for image in ordered])


def smallnorb() -> tuple[Source, Grid]:
    """smallNORB: the left images of both halves, resized to 64 x 64; the instance is a hidden factor."""
    paths = [file.require("smallnorb") for file in official.SMALLNORB]
    halves = [paths[:3], paths[3:]]
    labels = np.concatenate([_norb_labels(cat, info) for _, cat, info in halves])
    labels[:, 3] //= 2  # azimuths are stored as 0, 2, .. 34
    names = ("category", "instance", "elevation", "azimuth", "lighting")
    grid = Grid.over(names, _NORB_SIZES, hidden=("instance",))
    positions = np.argsort(grid.full.index(labels), kind="stable")
    if not np.array_equal(np.sort(grid.full.index(labels)), np.arange(grid.full.num_states)):
        raise UserError(
            f"The smallNORB files beside {paths[0]} do not hold each of the {grid.full.num_states:,} combinations "
            "of factors once: get them again."
        )
    key = f"smallnorb {' '.join(npz.file_identity(dat) for dat, _, _ in halves)}"
    blocks = (block for dat, _, _ in halves for block in _norb_images(dat))
    source = cache.find_cached(key) or cache.decode_once(key, len(labels), (64, 64, 1), blocks)
    return Selection(source, positions, "in the order of factors"), grid


def _norb_labels(cat: Path, info: Path) -> np.ndarray:
    """Category, instance, elevation, azimuth and lighting, int64 [n, 5]."""
    categories, rest = _norb_array(cat), _norb_array(info)
    if categories.ndim != 1 or rest.shape != (len(categories), 4):
        raise UserError(
            f"Expected [n] categories in {cat} and [n, 4] factors in {info}, got {list(categories.shape)} and "
            f"{list(rest.shape)}: get them again."
        )
    return np.column_stack([categories, rest])


def _norb_images(path: Path) -> Iterator[np.ndarray]:
    with _norb_open(path) as file:
        shape, dtype = _norb_header(file, path)
        if dtype != np.uint8 or len(shape) != 4 or shape[1] != 2 or math.prod(shape[2:]) > _NORB_PIXELS:
            raise UserError(f"Expected pairs of uint8 images in {path}, got {dtype} {list(shape)}: get it again.")
        for start in range(0, shape[0], 256):
            pairs = _norb_read(file, (min(256, shape[0] - start), *shape[1:]), dtype, path)
            yield np.stack([_TO_64.apply(left[..., np.newaxis]) for left in pairs[:, 0]])


def _norb_array(path: Path) -> np.ndarray:
    with _norb_open(path) as file:
        shape, dtype = _norb_header(file, path)
        return _norb_read(file, shape, dtype, path).astype(np.int64)


def _norb_open(path: Path) -> IO[bytes]:
    try:
        return gzip.open(path) if path.suffix == ".gz" else open(path, "rb")  # type: ignore[return-value]
    except OSError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}.") from error


def _norb_header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Magic number, number of dimensions, then at least three dimensions, all little-endian integers of 4 bytes."""
    magic, ndim = _norb_read(file, (2,), np.dtype("<i4"), path).tolist()
    if magic not in _NORB_TYPES or not 1 <= ndim <= 8:
        raise UserError(f"{path} is not a NORB binary file: get it again.")
    shape = _norb_read(file, (max(3, ndim),), np.dtype("<i4"), path)[:ndim]
    if shape.min() < 1 or math.prod(shape.tolist()) > _NORB_VALUES:
        raise UserError(f"{path} announces {shape.tolist()} values, more than any NORB file holds: get it again.")
    return tuple(shape.tolist()), _NORB_TYPES[magic]


def _norb_read(file: Any, shape: tuple[int, ...], dtype: np.dtype, path: Path) -> np.ndarray:
    try:
        content = file.read(math.prod(shape) * dtype.itemsize)
        return np.frombuffer(content, dtype).reshape(shape)
    except (EOFError, OSError, ValueError, MemoryError, zlib.error) as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}; if it is damaged, get it again.") from error
