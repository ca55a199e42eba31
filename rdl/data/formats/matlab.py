"""Reads one array of bytes from a MATLAB file of level 5.

`scipy.io.loadmat` is not used: on damaged files it may end the process by a segmentation fault (seen with scipy 1.17
within 1,000 randomly damaged files), where the user needs a message.

The format: "MAT-File Level 5 File Format", The MathWorks. A file is a header of 128 bytes followed by elements: a type,
a size and that many bytes. A matrix is an element that consists of elements, and may be compressed within another.
"""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rdl.data.formats.reading import describe_cause
from rdl.errors import UserError

_HEADER = 128  # bytes
_LARGEST = 1 << 28  # bytes of a file, and of a decompressed element
_BYTES, _MATRIX, _COMPRESSED = 2, 14, 15  # types of elements
_UINT8_CLASS, _COMPLEX = 9, 0x800  # of a matrix's flags


def read_matlab_array(path: Path, name: str) -> np.ndarray:
    """The array of unsigned bytes with this name, of any shape.

    Raises:
      UserError: no such file or array, an array of another type, or a damaged file.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        order = {b"IM": "<", b"MI": ">"}[content[126:_HEADER]]
        if len(content) > _LARGEST:
            raise ValueError
        for kind, data in _elements(content[_HEADER:], order):
            if kind == _COMPRESSED:
                kind, data = next(_elements(_unpacked(data), order))
            if kind == _MATRIX and (found := _array(data, order, name)) is not None:
                return found
    except OSError as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}.") from error
    except (KeyError, ValueError, StopIteration, zlib.error) as error:
        raise UserError(f"{path} is not a MATLAB file of level 5, or it is damaged: get it again.") from error
    raise UserError(f"Expected an array of bytes '{name}' in {path}, got none: get the file again.")


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each element in turn.

    Raises:
      ValueError: the content ends within an element.
    """
    place = 0
    while place < len(content):
        tag = content[place : place + 8]
        kind, size = (int(number) for number in np.frombuffer(tag, f"{order}u4", 2))
        start = place + 8
        if kind >> 16:  # a small element: its size shares a word with its type
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            end, place = start + min(size, 4), place + 8
        else:
            end = start + size
            place = end if kind == _COMPRESSED else start + -(-size // 8) * 8
        if end > len(content) or end - start < size:
            raise ValueError
        yield kind, content[start:end]


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(data, _LARGEST)
    if not unpacker.eof:  # truncated, or beyond the limit; its checksum is compared at its end
        raise ValueError
    return content


def _array(matrix: bytes, order: str, name: str) -> np.ndarray | None:
    """The matrix as an array; None where it has another name or does not hold real bytes."""
    parts = _elements(matrix, order)
    (_, flags), (_, sizes), (_, called) = next(parts), next(parts), next(parts)
    flag = int(np.frombuffer(flags, f"{order}u4", 1)[0])
    if called != name.encode() or flag & 0xFF != _UINT8_CLASS or flag & _COMPLEX:
        return None
    kind, data = next(parts)
    shape = np.frombuffer(sizes, f"{order}i4").tolist()
    if kind != _BYTES or not shape or min(shape) < 1 or math.prod(shape) != len(data):
        raise ValueError
    return np.frombuffer(data, np.uint8).reshape(shape, order="F")
