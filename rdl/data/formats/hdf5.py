"""Reads arrays of HDF5 files, images lazily: only the requested ones are in memory."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rdl.data.formats import npz
from rdl.data.formats.reading import describe_cause
from rdl.data.sources import Source
from rdl.errors import UserError

_CHUNK_CACHE = 1 << 26  # bytes of decompressed chunks that h5py may keep: holds a large chunk, and bounds memory
_BLOCK = 1 << 26  # bytes read at once
_MOST_ARRAYS = 1000


def open_hdf5(path: Path) -> h5py.File:
    """Opens the file for reading.

    Raises:
      UserError: no such file, no permission, a file locked by another program, or not a whole HDF5 file.
    """
    try:
        return h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE)
    except Exception as error:  # h5py raises exceptions of any kind for damaged files
        cause = describe_cause(error)
        if isinstance(error, FileNotFoundError):
            advice = "check the name"
        elif isinstance(error, PermissionError):
            advice = "change its permissions"
        elif "lock" in cause or "already open" in cause or isinstance(error, BlockingIOError):
            advice = "another program has it open for writing: close that program, or wait until it is done"
        else:
            advice = "if the file is damaged, get it again"
        raise UserError(f"Cannot open {path}: {cause}; {advice}.") from error


def list_arrays(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of every array of numbers in the file, in groups too.

    Raises:
      UserError: see `open_hdf5`.
    """
    found: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape and len(found) < _MOST_ARRAYS:
            is_text = h5py.check_string_dtype(item.dtype) is not None
            found[name] = (tuple(item.shape), np.dtype(str) if is_text else item.dtype)

    with open_hdf5(path) as file:
        try:
            file.visititems(visit)
        except Exception as error:  # see open_hdf5
            raise UserError(f"Cannot read {path}: {describe_cause(error)}; get it again.") from error
    return found


def stream_hdf5(path: Path, name: str) -> Iterator[np.ndarray]:
    """An array's rows in order, [at most 512, ...] at a time.

    Raises:
      UserError: see `open_hdf5`; or a part of the file is damaged.
    """
    with open_hdf5(path) as file:
        array = file[name]
        is_text = h5py.check_string_dtype(array.dtype) is not None
        rows_of = array.asstr("utf-8", "replace") if is_text else array
        row = max(1, int(np.prod(array.shape[1:], dtype=object)) * array.dtype.itemsize)
        rows = max(1, min(512, _BLOCK // row))
        for start in range(0, array.shape[0], rows):
            try:
                block = rows_of[start : start + rows]
            except Exception as error:  # see open_hdf5
                raise UserError(f"Cannot read '{name}' in {path}: {describe_cause(error)}; get it again.") from error
            yield block.astype(str) if is_text else block


def describe_unwritten(path: Path, name: str) -> list[str]:
    """A warning where parts of an array have no place in the file, and are read as the fill value.

    Raises:
      UserError: see `open_hdf5`.
    """
    with open_hdf5(path) as file:
        try:
            array = file[name]
            if array.is_virtual or array.external:
                return []
            if array.chunks is None:
                written, parts = int(array.id.get_storage_size() > 0), 1
            else:
                sides = zip(array.shape, array.chunks, strict=True)
                written, parts = array.id.get_num_chunks(), math.prod(-(-side // part) for side, part in sides)
            fill = array.fillvalue
        except Exception as error:  # see open_hdf5
            raise UserError(f"Cannot read '{name}' in {path}: {describe_cause(error)}; get it again.") from error
    if written >= parts:
        return []
    share = f"{parts - written:,} of {parts:,} parts" if written else "no part"
    verb = "were never written" if written else "was ever written"
    return [f"warning: {share} of '{name}' in {path} {verb}; they are read as {fill!s:.20}"]


class Hdf5Source(Source):
    """uint8 images [n, height, width] or [n, height, width, channels] of one array in the file, times `scale`.

    Args:
      path: of the file.
      array: name of the array.
      scale: factor of all values.

    Raises:
      UserError: see `open_hdf5`; no such array, or not uint8 images.
    """

    def __init__(self, path: Path, array: str, scale: int = 1):
        self.path = path.absolute()
        self._array = array
        self._scale = scale
        self._opened: tuple[int, Any] | None = None
        images = self._images()
        shape = images.shape or ()
        if images.dtype != np.uint8 or len(shape) not in (3, 4) or min(shape) < 1:
            raise UserError(f"Expected '{array}' in {path} to be uint8 images, got {images.dtype} {list(shape)}.")
        self._length = len(images)
        height, width, channels = (*images.shape[1:], 1)[:3]
        self._shape = (height, width, channels)
        self._key = f"{npz.file_identity(path)} {array}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return self._length

    def _images(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():  # a file opened before a fork must not be shared
            file = open_hdf5(self.path)
            try:
                images = file.get(self._array)
            except Exception as error:  # see open_hdf5
                raise UserError(f"Cannot read {self.path}: {describe_cause(error)}; get it again.") from error
            if not isinstance(images, h5py.Dataset):  # nothing, or a group of arrays
                raise UserError(f"Expected an array '{self._array}' in {self.path}, got none: get the file again.")
            self._opened = (os.getpid(), images)
        return self._opened[1]

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels].

        Raises:
          UserError: a part of the file is damaged.
        """
        images = self._images()
        out = np.empty((len(indices), *images.shape[1:]), np.uint8)
        try:
            for position in np.argsort(indices):  # in the file's order, so that each chunk is decompressed once
                images.read_direct(out, np.s_[indices[position]], np.s_[position])
        except Exception as error:  # see open_hdf5
            raise UserError(
                f"Cannot read the images in {self.path}: {describe_cause(error)}; if the file is damaged, get it again."
            ) from error
        return out.reshape(len(indices), *self.shape) * np.uint8(self._scale)
