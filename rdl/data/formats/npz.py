"""The door of npz files: arrays read a piece at a time, held to their checksums, and never through a pickle.

Whatever such a file holds, and however zip's and numpy's readers fail on it, comes out as an array or as one line.
"""

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from rdl.errors import UserError

_HEADER = 1 << 16  # bytes that an array's header may have
_BLOCK = 1 << 26  # bytes read at once
_WHOLE = 1 << 30  # bytes of an array that is read as a whole


@dataclass(frozen=True)
class Entry:
    """One array of an npz file, not yet read."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None  # where its data begin in the file; None where they are compressed
    by_columns: bool = False  # the first index runs fastest

    @property
    def size(self) -> int:
        """Bytes of its data."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def what(self) -> str:
        """The array in words, for messages."""
        return f"'{self.name}' in {self.path}"


def names(path: Path) -> list[str]:
    """The names of the arrays in the file.

    Raises:
      UserError: no such file, or no (whole) npz.
    """
    with _archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def find(path: Path, name: str, by_columns: bool = False) -> Entry:
    """Looks at an array's header; one that is stored by columns is refused, unless they are allowed.

    Raises:
      UserError: no such file or array, a truncated file, or an array that only a pickle could restore.
    """
    with _archive(path) as archive, _data(archive, path, name) as data:
        info = archive.getinfo(f"{name}.npy")
        shape, fortran, dtype, start = _header(data)
        if dtype.hasobject:
            raise UserError(
                f"'{name}' in {path} is a pickle, which could run any program and is not read: "
                "save it as a plain array of numbers."
            )
        fortran = fortran and len(shape) > 1
        if fortran and not by_columns:
            raise UserError(f"'{name}' in {path} is stored by columns: save it with np.ascontiguousarray.")
        # numpy makes no array whose sizes but zeros multiply to more, not even an empty one.
        possible = min(shape, default=1) >= 0 and math.prod(filter(None, shape)) * dtype.itemsize < 2**63
        if not possible or start + math.prod(shape) * dtype.itemsize != info.file_size:
            raise UserError(
                f"'{name}' in {path} announces {dtype} {list(shape)[:8]}, which is not what it holds: write or get the "
                "file again."
            )
        offset = None
        if info.compress_type == zipfile.ZIP_STORED:
            with open(path, "rb") as file:  # the local header, whose lengths may differ from the directory's
                file.seek(info.header_offset + 26)
                lengths = np.frombuffer(file.read(4), "<u2")
            offset = info.header_offset + 30 + int(lengths.sum()) + start
        return Entry(path, name, shape, dtype, offset, fortran)


def stream(entry: Entry, shape: tuple[int, ...], rows: int = 512) -> Iterator[np.ndarray]:
    """The array's data in order, [at most `rows`, *shape] at a time.

    Raises:
      UserError: the file is damaged; a wrong checksum shows at the end.
    """
    size = math.prod(shape) * entry.dtype.itemsize
    length = math.prod(entry.shape) // math.prod(shape)
    rows = max(1, min(rows, _BLOCK // max(1, size)))
    with _archive(entry.path) as archive, _data(archive, entry.path, entry.name) as data:
        _header(data)
        for first in range(0, length, rows):
            count = min(rows, length - first)
            content = data.read(count * size)
            if len(content) < count * size:
                raise EOFError
            yield np.frombuffer(content, entry.dtype).reshape(count, *shape)
        if data.read(1):  # the checksum is compared where the end is read
            raise EOFError


def check(entry: Entry) -> None:
    """Reads the array once, for its checksum alone.

    Raises:
      UserError: the file is damaged.
    """
    with _archive(entry.path) as archive, _data(archive, entry.path, entry.name) as data:
        while data.read(1 << 20):
            pass


def load(path: Path, name: str) -> np.ndarray:
    """A whole, small array.

    Raises:
      UserError: as `find` and `stream`; it is too large to be read as a whole.
    """
    entry = find(path, name, by_columns=True)
    if entry.size > _WHOLE or len(entry.shape) > 32:
        raise UserError(f"{entry.what} is too large to be read as a whole, {list(entry.shape)}: make it smaller.")
    pieces = list(stream(entry, entry.shape[1:])) if all(entry.shape) else []
    if not pieces:
        return np.zeros(entry.shape, entry.dtype)
    return np.concatenate(pieces).ravel().reshape(entry.shape, order="F" if entry.by_columns else "C")


def identity(path: Path) -> str:
    """What tells this file from another, or from itself before it was changed; for cache keys."""
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror}): check the name.") from error
    return f"{os.path.realpath(path)} {state.st_size} {state.st_mtime_ns}"


def _header(data: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether by columns, type, and where the data begin, of an array; leaves its reader there."""
    start = _Start(data)
    version = np.lib.format.read_magic(start)  # type: ignore[arg-type]
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(start)  # type: ignore[arg-type]
    return tuple(shape), fortran, dtype, data.tell()


class _Start:
    """The start of a file, of which no more can be read than a header may have."""

    def __init__(self, data: IO[bytes]):
        self._data = data

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        if size > _HEADER:
            raise ValueError(f"A header of {size} bytes is none.")
        return self._data.read(size)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"There is no file {path}: check the name.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not an npz file.") from None
    except PermissionError:
        raise UserError(f"No permission to read {path}: change its permissions.") from None
    except Exception as error:  # zipfile and its decompressors raise what they please on a file that is none
        raise UserError(f"{path} is no npz file, or it is truncated or damaged: write or get it again.") from error


@contextmanager
def _data(archive: zipfile.ZipFile, path: Path, name: str) -> Iterator[IO[bytes]]:
    if f"{name}.npy" not in archive.namelist():
        present = ", ".join(entry.removesuffix(".npy") for entry in archive.namelist()[:10]) or "nothing"
        raise UserError(f"Expected an array '{name}' in {path}, which holds {present[:200]}: save it under this name.")
    info = archive.getinfo(f"{name}.npy")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"'{name}' in {path} is encrypted, or compressed otherwise than numpy does: save it with np.savez."
        )
    with archive.open(info) as data:
        try:
            yield data
        except ValueError as error:  # numpy's, on a header that is none
            raise UserError(f"'{name}' in {path} is not a numpy array: save it with np.savez.") from error
