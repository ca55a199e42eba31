"""Sources of images: arrays, files, selections and reductions of other sources.

A source reads uint8 images by index and keeps no others in memory. It is pickled to another process by its
constituents, such as a path, without open files.
"""

import math
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.errors import UserError


class Source(ABC):
    """uint8 images by index."""

    _shape: tuple[int, int, int]
    _key: str
    stochastic = False  # whether each observation of the same image differs
    binary = False  # whether all values are 0 or 255
    notes: Sequence[str] = ()  # what decoding decided, one sentence each

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self._shape

    @property
    def key(self) -> str:
        """Identifies the source's content; names its cache."""
        return self._key

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels] for int64 indices [n]."""

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, height, width, channels] in [0, 1]; a stochastic source makes its draws."""
        del random_state
        return self.read(indices).astype(np.float32) / np.float32(255)

    def blocks(self, images: int = 1024) -> Iterator[np.ndarray]:
        """All images in order, uint8 [at most `images`, height, width, channels] at a time."""
        for start in range(0, len(self), images):
            yield self.read(np.arange(start, min(start + images, len(self))))


class ArraySource(Source):
    """Images in memory, [n, height, width] or [n, height, width, channels]."""

    def __init__(self, images: np.ndarray, key: str, notes: Sequence[str] = ()):
        self._images = images if images.ndim == 4 else images[..., np.newaxis]
        self._key = key
        self.notes = tuple(notes)
        self._shape = self._images.shape[1:]

    def __len__(self) -> int:
        return len(self._images)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels]."""
        return self._images[indices]


class MappedSource(Source):
    """Images stored uncompressed in a file, as bytes or packed into bits.

    They are read by position rather than through a memory map: when another process cuts the file short, a map ends
    this process by a signal, while a read returns fewer bytes.

    Args:
      path: of the file.
      offset: byte at which the images start.
      length: number of images.
      shape: height, width, channels.
      key: identifies the images.
      packed: one bit per value.
      notes: what decoding decided.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        length: int,
        shape: tuple[int, int, int],
        key: str,
        packed: bool = False,
        notes: Sequence[str] = (),
    ):
        self.path = path.absolute()
        self._shape = shape
        self._key = key
        self.binary = packed
        self.notes = tuple(notes)
        self._offset = offset
        self._length = length
        self._row = -(-math.prod(shape) // 8) if packed else math.prod(shape)
        self._file: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def __len__(self) -> int:
        return self._length

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels].

        Raises:
          UserError: the file was removed or cut short after it was opened.
        """
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                weakref.finalize(self, os.close, self._file)
            places = [self._offset + self._row * index for index in indices.tolist()]
            content = bytearray().join([os.pread(self._file, self._row, place) for place in places])
        except OSError as error:
            raise UserError(f"Cannot read the images in {self.path} ({error.strerror}): get it again.") from error
        if len(content) != self._row * len(places):
            raise UserError(f"Cannot read the images in {self.path}, it was cut short: get it again.")
        rows = np.frombuffer(content, np.uint8).reshape(len(places), self._row)
        return unpack(rows, self.shape) if self.binary else rows.reshape(-1, *self.shape)


def unpack(bits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Packed bits, uint8 [n, bytes] -> images of 0 and 255, uint8 [n, height, width, channels]."""
    images = np.unpackbits(bits, axis=1, count=math.prod(shape))
    images *= 255
    return images.reshape(-1, *shape)


@dataclass(frozen=True)
class Selection(Source):
    """Images of a source at given positions.

    Attributes:
      source: the whole.
      positions: of the selected images, int64 [n].
      name: identifies the selection in the key.
    """

    source: Source
    positions: np.ndarray
    name: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.source.shape

    @property
    def stochastic(self) -> bool:
        """That of the source."""
        return self.source.stochastic

    @property
    def binary(self) -> bool:
        """That of the source."""
        return self.source.binary

    @property
    def key(self) -> str:
        """The source's key and the selection's name."""
        return f"{self.source.key} select({self.name})"

    def __len__(self) -> int:
        return len(self.positions)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels]."""
        return self.source.read(self.positions[indices])

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, height, width, channels] in [0, 1]."""
        return self.source.observe(self.positions[indices], random_state)


@dataclass(frozen=True)
class Pooled(Source):
    """A source's images averaged over blocks of pixels down to size x size; halves round up."""

    source: Source
    size: int

    def __post_init__(self):
        height, width, _ = self.source.shape
        if not isinstance(self.size, int) or self.size < 1 or height % self.size or width % self.size:
            raise UserError(
                f"Expected a size that divides {height} and {width}, got size {self.size!r}: choose one of "
                f"{[side for side in range(4, height + 1) if not height % side | width % side]}."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.size, self.size, self.source.shape[2]

    @property
    def stochastic(self) -> bool:
        """That of the source."""
        return self.source.stochastic

    @property
    def key(self) -> str:
        """The source's key and the size."""
        return f"{self.source.key} pool({self.size})"

    def __len__(self) -> int:
        return len(self.source)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, size, size, channels]."""
        sums, area = self._sums(self.source.read(indices), np.uint32)
        return ((2 * sums + area) // (2 * area)).astype(np.uint8)

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, size, size, channels] in [0, 1]."""
        if not self.stochastic:
            return super().observe(indices, random_state)
        sums, area = self._sums(self.source.observe(indices, random_state), np.float32)
        return sums / np.float32(area)

    def _sums(self, images: np.ndarray, dtype: type) -> tuple[np.ndarray, int]:
        n, height, width, channels = images.shape
        rows, columns = height // self.size, width // self.size
        squares = images.reshape(n, self.size, rows, self.size, columns, channels)
        return squares.sum(axis=(2, 4), dtype=dtype), rows * columns
