"""Arrays in npz files, read a piece at a time and never through a pickle."""

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from rdl.errors import UserError


@dataclass(frozen=True)
class Entry:
    """One array of an npz file, not yet read."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None  # where its data begin in the file; None where they are compressed

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


def find(path: Path, name: str) -> Entry:
    """Looks at an array's header.

    Raises:
      UserError: no such file or array, a truncated file, or an array that only a pickle could restore.
    """
    with _archive(path) as archive, _data(archive, path, name) as data:
        info = archive.getinfo(f"{name}.npy")
        version = np.lib.format.read_magic(data)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(data)
        if dtype.hasobject:
            raise UserError(
                f"'{name}' in {path} is a pickle, which could run any program and is not read: "
                "save it as a plain array of numbers."
            )
        if fortran and len(shape) > 1:
            raise UserError(f"'{name}' in {path} is stored by columns: save it with np.ascontiguousarray.")
        offset = None
        if info.compress_type == zipfile.ZIP_STORED:
            with open(path, "rb") as file:  # the local header, whose lengths may differ from the directory's
                file.seek(info.header_offset + 26)
                lengths = np.frombuffer(file.read(4), "<u2")
            offset = info.header_offset + 30 + int(lengths.sum()) + data.tell()
        return Entry(path, name, tuple(shape), dtype, offset)


def stream(entry: Entry, shape: tuple[int, ...], rows: int = 512) -> Iterator[np.ndarray]:
    """The array's data in order, [at most `rows`, *shape] at a time.

    Raises:
      UserError: the file is damaged.
    """
    length = prod(entry.shape) // prod(shape)
    with _archive(entry.path) as archive, _data(archive, entry.path, entry.name) as data:
        version = np.lib.format.read_magic(data)
        (np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0)(data)
        for start in range(0, length, rows):
            count = min(rows, length - start)
            content = data.read(count * prod(shape) * entry.dtype.itemsize)
            if len(content) < count * prod(shape) * entry.dtype.itemsize:
                raise EOFError
            yield np.frombuffer(content, entry.dtype).reshape(count, *shape)


def load(path: Path, name: str) -> np.ndarray:
    """A whole, small array.

    Raises:
      UserError: as `find` and `stream`.
    """
    entry = find(path, name)
    pieces = list(stream(entry, entry.shape[1:])) if entry.shape and all(entry.shape) else []
    return np.concatenate(pieces) if pieces else np.zeros(entry.shape, entry.dtype)


def identity(path: Path) -> str:
    """What tells this file from another, or from itself before it was changed; for cache keys."""
    state = path.stat()
    return f"{os.path.realpath(path)} {state.st_size} {state.st_mtime_ns}"


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise UserError(f"There is no file {path}: check the name.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not an npz file.") from None
    except PermissionError:
        raise UserError(f"No permission to read {path}: change its permissions.") from None
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is no npz file, or it is truncated or damaged: write or get it again.") from error


@contextmanager
def _data(archive: zipfile.ZipFile, path: Path, name: str) -> Iterator[IO[bytes]]:
    if f"{name}.npy" not in archive.namelist():
        present = ", ".join(entry.removesuffix(".npy") for entry in archive.namelist()[:10]) or "nothing"
        raise UserError(f"Expected an array '{name}' in {path}, which holds {present}: save it under this name.")
    with archive.open(f"{name}.npy") as data:
        try:
            yield data
        except ValueError as error:  # numpy's, on a header that is none
            raise UserError(f"'{name}' in {path} is not a numpy array: save it with np.savez.") from error
