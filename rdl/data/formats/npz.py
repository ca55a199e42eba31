"""Reads npz files: arrays by blocks, held to their checksums, never through a pickle.

Whatever such a file holds, and however zip's and numpy's readers fail on it, the caller gets an array or a UserError.
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

from rdl.data.formats.reading import describe_cause
from rdl.errors import UserError

_HEADER = 1 << 16  # bytes that an array's header may have
_BLOCK = 1 << 26  # bytes read at once
_WHOLE = 1 << 30  # bytes of an array that is read as a whole
_MOST_AXES = 32


@dataclass(frozen=True)
class Entry:
    """One stored array, not yet read.

    Attributes:
      path: of the file.
      name: of the array in the file.
      shape, dtype: of the array.
      offset: byte of the file at which its data start; None where they are compressed.
      by_columns: whether the first index runs fastest.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None
    by_columns: bool = False

    @property
    def size(self) -> int:
        """Bytes of its data."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def what(self) -> str:
        """Names the array in messages."""
        return f"'{self.name}' in {self.path}"


def array_names(path: Path) -> list[str]:
    """Names of the arrays in the file.

    Raises:
      UserError: no such file, or not a whole npz file.
    """
    with _archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_npz_header(path: Path, name: str, by_columns: bool = False) -> Entry:
    """The header of an array.

    Args:
      path: of the file.
      name: of the array.
      by_columns: whether an array stored by columns is accepted.

    Raises:
      UserError: no such file or array, a truncated file, or an array that only a pickle could restore.
    """
    with _archive(path) as archive, _data(archive, path, name) as data:
        info = archive.getinfo(f"{name}.npy")
        shape, fortran, dtype, start = read_array_header(data)
        offset = None
        if info.compress_type == zipfile.ZIP_STORED:
            with open(path, "rb") as file:  # the local header, whose lengths may differ from the directory's
                file.seek(info.header_offset + 26)
                lengths = np.frombuffer(file.read(4), "<u2")
            offset = info.header_offset + 30 + int(lengths.sum()) + start
        entry = Entry(path, name, shape, dtype, offset, fortran and len(shape) > 1)
        check_entry(entry, start, info.file_size)
        if entry.by_columns and not by_columns:
            raise UserError(f"{entry.what} is stored by columns: save it with np.ascontiguousarray.")
        return entry


def check_entry(entry: Entry, start: int, size: int) -> None:
    """Holds an array's header to the bytes that follow it.

    Args:
      entry: the header.
      start: bytes before the data.
      size: bytes of header and data.

    Raises:
      UserError: an array of Python objects, or data of another size.
    """
    shape, dtype = entry.shape, entry.dtype
    if dtype.hasobject:
        raise UserError(
            f"{entry.what} is stored as Python objects (dtype object), a pickle that could run any program and is not "
            "read: save numbers as numbers and texts, such as those of pandas, as numpy.array(texts, dtype=str)."
        )
    # numpy makes no array whose sizes but zeros multiply to more, not even an empty one.
    possible = min(shape, default=1) >= 0 and math.prod(filter(None, shape)) * dtype.itemsize < 2**63
    if not possible or start + math.prod(shape) * dtype.itemsize != size:
        raise UserError(
            f"{entry.what} announces {dtype} {list(shape)[:8]} and holds data of another size: write or get the file "
            "again."
        )


def stream_npz(entry: Entry, shape: tuple[int, ...], rows: int = 512) -> Iterator[np.ndarray]:
    """The array's data in order, [at most `rows`, *shape] at a time.

    Raises:
      UserError: the file is damaged; a wrong checksum shows at the end.
    """
    size = math.prod(shape) * entry.dtype.itemsize
    length = math.prod(entry.shape) // math.prod(shape)
    rows = max(1, min(rows, _BLOCK // max(1, size)))
    with _archive(entry.path) as archive, _data(archive, entry.path, entry.name) as data:
        read_array_header(data)
        for first in range(0, length, rows):
            count = min(rows, length - first)
            content = data.read(count * size)
            if len(content) < count * size:
                raise EOFError
            yield np.frombuffer(content, entry.dtype).reshape(count, *shape)
        if data.read(1):  # the checksum is compared where the end is read
            raise EOFError


def verify_checksum(entry: Entry) -> None:
    """Reads the array once, for its checksum alone.

    Raises:
      UserError: the file is damaged.
    """
    with _archive(entry.path) as archive, _data(archive, entry.path, entry.name) as data:
        while data.read(1 << 20):
            pass


def load_npz_array(path: Path, name: str) -> np.ndarray:
    """A whole, small array.

    Raises:
      UserError: see `read_npz_header` and `stream_npz`; or the array is too large to be read as a whole.
    """
    entry = read_npz_header(path, name, by_columns=True)
    return assemble(entry, stream_npz(entry, entry.shape[1:]) if all(entry.shape) else ())


def assemble(entry: Entry, pieces: "Iterator[np.ndarray] | tuple[()]") -> np.ndarray:
    """A whole array from its pieces, which are read only if it is small enough.

    Raises:
      UserError: the array is too large to be read as a whole.
    """
    if entry.size > _WHOLE or len(entry.shape) > _MOST_AXES:
        raise UserError(f"{entry.what} is too large to be read as a whole, {list(entry.shape)}: make it smaller.")
    found = list(pieces)
    if not found:
        return np.zeros(entry.shape, entry.dtype)
    return np.concatenate(found).ravel().reshape(entry.shape, order="F" if entry.by_columns else "C")


def file_identity(path: Path) -> str:
    """Distinguishes this file from others and from its earlier contents; for cache keys.

    Raises:
      UserError: no such file.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}; check the name.") from error
    return f"{os.path.realpath(path)} {state.st_size} {state.st_mtime_ns}"


def read_array_header(data: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether stored by columns, type and start of the data of a numpy array; leaves the reader at its data."""
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
            raise ValueError(f"A header of {size} bytes is not a header.")
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
    except OSError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}.") from error
    except Exception as error:  # zipfile and its decompressors raise exceptions of any kind for damaged files
        raise UserError(f"{path} is not an npz file, or it is truncated or damaged: write or get it again.") from error


@contextmanager
def _data(archive: zipfile.ZipFile, path: Path, name: str) -> Iterator[IO[bytes]]:
    if f"{name}.npy" not in archive.namelist():
        present = ", ".join(entry.removesuffix(".npy") for entry in archive.namelist()[:10]) or "nothing"
        raise UserError(f"Expected an array '{name}' in {path}, which holds {present[:200]}: save it under this name.")
    info = archive.getinfo(f"{name}.npy")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"'{name}' in {path} is encrypted, or compressed with a method that numpy does not use: save it with "
            "np.savez."
        )
    with archive.open(info) as data:
        try:
            yield data
        except ValueError as error:  # numpy's, for a header that it cannot parse
            raise UserError(f"'{name}' in {path} is not a numpy array: save it with np.savez.") from error
