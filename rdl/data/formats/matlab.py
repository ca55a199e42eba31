"""The door of MATLAB's files (level 5): one array of bytes, read without scipy, which a file cut short may end.

The format: "MAT-File Level 5 File Format", The MathWorks. A file is a header of 128 bytes and elements, each a type, a
size and so many bytes; a matrix is an element of elements, and may lie compressed in another.
"""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rdl.errors import UserError

_HEADER = 128  # bytes
_LARGEST = 1 << 28  # bytes of a file, and of an element unpacked
_BYTES, _MATRIX, _COMPRESSED = 2, 14, 15  # types of elements
_UINT8_CLASS, _COMPLEX = 9, 0x800  # of a matrix's flags


def load(path: Path, name: str) -> np.ndarray:
    """The array of unsigned bytes of this name, of any shape.

    Raises:
      UserError: no such file or array, one of another type, or a damaged file.
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
    except (OSError, KeyError, ValueError, StopIteration, zlib.error) as error:
        raise UserError(f"{path} is no MATLAB file of level 5, or it is damaged: get it again.") from error
    raise UserError(f"{path} holds no array of bytes called '{name}': get it again.")


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each element in turn.

    Raises:
      ValueError: the content ends within one.
    """
    place = 0
    while place < len(content):
        tag = content[place : place + 8]
        kind, size = (int(number) for number in np.frombuffer(tag, f"{order}u4", 2))
        start = place + 8
        if kind >> 16:  # a small element, whose size stands beside its type and whose bytes follow at once
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
    if not unpacker.eof:  # cut short, or beyond the limit; its checksum is compared at its end
        raise ValueError
    return content


def _array(matrix: bytes, order: str, name: str) -> np.ndarray | None:
    """The matrix as an array; None where it is called otherwise, or is none of real bytes."""
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
