"""Files of named arrays (npz, npy, HDF5) behind one interface."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from rdl.data import cache
from rdl.data.formats import hdf5, npy, npz
from rdl.data.formats.shapes import Shape
from rdl.data.sources import MappedSource, Source
from rdl.errors import UserError

SUFFIXES = (".npz", ".npy", ".h5", ".hdf5")
_MOST_ARRAYS = 1000
_WHOLE = 1 << 30  # bytes of an array that is read as a whole

Header = tuple[tuple[int, ...], np.dtype]
"""Shape and type of an array."""


class ArrayFile(Protocol):
    """A file of named arrays."""

    path: Path

    def headers(self) -> dict[str, Header]:
        """Shape and type of every array by name; the type is object where only a pickle could restore the array."""
        ...

    def stream(self, name: str) -> Iterator[np.ndarray]:
        """The rows of an array in order, [some, ...] at a time."""
        ...

    def load(self, name: str) -> np.ndarray:
        """A whole, small array."""
        ...

    def in_place(self, name: str, length: int, shape: Shape) -> Source | None:
        """uint8 images read where they are stored; None where they have to be decoded."""
        ...

    def describe_unwritten(self, name: str) -> list[str]:
        """A note if parts of an array were allocated and never written."""
        ...


def open_array_file(path: Path) -> ArrayFile:
    """The file's interface, by the ending of its name."""
    suffix = path.suffix.lower()
    return NpzFile(path) if suffix == ".npz" else NpyFile(path) if suffix == ".npy" else Hdf5File(path)


class NpzFile:
    """Arrays that numpy.savez wrote."""

    def __init__(self, path: Path):
        self.path = path

    def headers(self) -> dict[str, Header]:
        """See `ArrayFile`."""
        found: dict[str, Header] = {}
        for name in npz.array_names(self.path)[:_MOST_ARRAYS]:
            try:
                entry = npz.read_npz_header(self.path, name, by_columns=True)
                found[name] = entry.shape, entry.dtype
            except UserError:  # unreadable: what is wrong is said where the array is needed
                found[name] = (), np.dtype(object)
        return found

    def stream(self, name: str) -> Iterator[np.ndarray]:
        """See `ArrayFile`."""
        entry = npz.read_npz_header(self.path, name)
        return npz.stream_npz(entry, entry.shape[1:])

    def load(self, name: str) -> np.ndarray:
        """See `ArrayFile`."""
        return npz.load_npz_array(self.path, name)

    def in_place(self, name: str, length: int, shape: Shape) -> Source | None:
        """See `ArrayFile`."""
        entry = npz.read_npz_header(self.path, name)
        if entry.dtype != np.uint8 or entry.offset is None:
            return None
        cache.check_in_place(entry)
        return MappedSource(self.path, entry.offset, length, shape, f"{npz.file_identity(self.path)} {name}")

    def describe_unwritten(self, name: str) -> list[str]:
        """See `ArrayFile`; numpy writes whole arrays."""
        del name
        return []


class NpyFile:
    """The array that numpy.save wrote."""

    def __init__(self, path: Path):
        self.path = path

    def headers(self) -> dict[str, Header]:
        """See `ArrayFile`."""
        entry = npy.read_npy_header(self.path)
        return {entry.name: (entry.shape, entry.dtype)}

    def stream(self, name: str) -> Iterator[np.ndarray]:
        """See `ArrayFile`."""
        entry = npy.read_npy_header(self.path)
        if entry.by_columns:
            yield self.load(name)
        else:
            yield from npy.stream_npy(entry, entry.shape[1:])

    def load(self, name: str) -> np.ndarray:
        """See `ArrayFile`."""
        entry = npy.read_npy_header(self.path)
        return npz.assemble(entry, npy.stream_npy(entry, entry.shape[1:]) if all(entry.shape) else ())

    def in_place(self, name: str, length: int, shape: Shape) -> Source | None:
        """See `ArrayFile`."""
        entry = npy.read_npy_header(self.path)
        if entry.dtype != np.uint8 or entry.by_columns or entry.offset is None:
            return None
        return MappedSource(self.path, entry.offset, length, shape, npz.file_identity(self.path))

    def describe_unwritten(self, name: str) -> list[str]:
        """See `ArrayFile`; numpy writes whole arrays."""
        del name
        return []


class Hdf5File:
    """Arrays of an HDF5 file, by their full names."""

    def __init__(self, path: Path):
        self.path = path

    def headers(self) -> dict[str, Header]:
        """See `ArrayFile`."""
        return hdf5.list_arrays(self.path)

    def stream(self, name: str) -> Iterator[np.ndarray]:
        """See `ArrayFile`."""
        return hdf5.stream_hdf5(self.path, name)

    def load(self, name: str) -> np.ndarray:
        """See `ArrayFile`."""
        shape, dtype = self.headers()[name]
        if dtype.kind == "O":
            raise UserError(f"'{name}' in {self.path} holds arrays of several lengths: save numbers of one shape.")
        if np.prod(shape, dtype=object) * dtype.itemsize > _WHOLE:
            raise UserError(f"'{name}' in {self.path} is too large to be read as a whole: make it smaller.")
        blocks = list(self.stream(name))
        return np.concatenate(blocks) if blocks else np.zeros(shape)

    def in_place(self, name: str, length: int, shape: Shape) -> Source | None:
        """See `ArrayFile`."""
        image_shape, dtype = self.headers()[name]
        return hdf5.Hdf5Source(self.path, name) if dtype == np.uint8 and len(image_shape) in (3, 4) else None

    def describe_unwritten(self, name: str) -> list[str]:
        """See `ArrayFile`."""
        return hdf5.describe_unwritten(self.path, name)
