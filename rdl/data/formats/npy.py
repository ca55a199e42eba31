"""Reads .npy files: one plain array, read by blocks or in place, never through a pickle."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rdl.data.formats.npz import Entry, check_entry, read_array_header
from rdl.data.formats.reading import describe_cause
from rdl.errors import UserError

_BLOCK = 1 << 26  # bytes read at once


def read_npy_header(path: Path) -> Entry:
    """The array's header.

    Raises:
      UserError: no such file, not a .npy file, a truncated file, or an array that only a pickle could restore.
    """
    try:
        with open(path, "rb") as file:
            shape, fortran, dtype, start = read_array_header(file)
            size = path.stat().st_size
    except OSError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}.") from error
    except Exception as error:  # numpy's parser of headers raises exceptions of any kind
        raise UserError(f"{path} is not a .npy file, or it is damaged: save it with numpy.save.") from error
    entry = Entry(path, path.stem, shape, dtype, start, fortran and len(shape) > 1)
    check_entry(entry, start, size)
    return entry


def stream_npy(entry: Entry, shape: tuple[int, ...], rows: int = 512) -> Iterator[np.ndarray]:
    """The array's data in order, [at most `rows`, *shape] at a time.

    Raises:
      UserError: the file was cut short.
    """
    size = math.prod(shape) * entry.dtype.itemsize
    length = math.prod(entry.shape) // math.prod(shape)
    rows = max(1, min(rows, _BLOCK // max(1, size)))
    try:
        with open(entry.path, "rb") as file:
            file.seek(entry.offset or 0)
            for first in range(0, length, rows):
                count = min(rows, length - first)
                yield np.frombuffer(file.read(count * size), entry.dtype).reshape(count, *shape)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {entry.path}: {describe_cause(error)}; write or get it again.") from error
