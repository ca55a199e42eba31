"""Where pixels come from: arrays, files, parts and reductions of other sources.

A source reads uint8 images by index and keeps no more of them in memory than it is asked for. It travels to
another process by what it was made from (a path, say), never by its open files.
"""

import math
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.errors import UserError


class Source(ABC):
    """uint8 images by index."""

    _shape: tuple[int, int, int]
    _key: str
    stochastic = False  # whether an observation of the same image differs each time
    binary = False  # whether all values are 0 or 255

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self._shape

    @property
    def key(self) -> str:
        """What tells this source's content from any other's; names its cache."""
        return self._key

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels] for int64 indices [n]."""

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, height, width, channels] in [0, 1]; a stochastic source draws what varies."""
        del random_state
        return self.read(indices).astype(np.float32) / np.float32(255)

    def blocks(self, images: int = 1024) -> Iterator[np.ndarray]:
        """All images in order, uint8 [at most `images`, height, width, channels] at a time."""
        for start in range(0, len(self), images):
            yield self.read(np.arange(start, min(start + images, len(self))))


class ArraySource(Source):
    """Images in memory, [n, height, width] or [n, height, width, channels]."""

    def __init__(self, images: np.ndarray, key: str):
        self._images = images if images.ndim == 4 else images[..., np.newaxis]
        self._key = key
        self._shape = self._images.shape[1:]

    def __len__(self) -> int:
        return len(self._images)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels]."""
        return self._images[indices]


class MappedSource(Source):
    """Images that lie plain in a file, as bytes or packed into bits: the system holds its pages once a machine.

    They are read by position rather than through a memory map: a map of a file that another process cuts short ends
    this one by a signal, where a read tells.
    """

    def __init__(self, path: Path, offset: int, length: int, shape: tuple[int, int, int], key: str, packed=False):
        """The `length` images that lie in the file from byte `offset` on."""
        self.path = path.absolute()
        self._shape = shape
        self._key = key
        self.binary = packed
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
          UserError: the file is gone, or cut short since it was looked at.
        """
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                weakref.finalize(self, os.close, self._file)
            places = [self._offset + self._row * index for index in indices.tolist()]
            content = bytearray().join([os.pread(self._file, self._row, place) for place in places])
        except OSError as error:
            raise UserError(f"Cannot read the images in {self.path} ({error.strerror}): get the file anew.") from error
        if len(content) != self._row * len(places):
            raise UserError(f"Cannot read the images in {self.path}, it was cut short: get the file anew.")
        rows = np.frombuffer(content, np.uint8).reshape(len(places), self._row)
        return unpack(rows, self.shape) if self.binary else rows.reshape(-1, *self.shape)


def unpack(bits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Packed bits, uint8 [n, bytes], as images of 0 and 255: uint8 [n, height, width, channels]."""
    images = np.unpackbits(bits, axis=1, count=math.prod(shape))
    images *= 255
    return images.reshape(-1, *shape)


@dataclass(frozen=True)
class Selection(Source):
    """Some images of a source, by position in it."""

    source: Source
    positions: np.ndarray  # int64 [n]
    name: str  # says which, for the key

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.source.shape

    @property
    def stochastic(self) -> bool:
        """As the whole."""
        return self.source.stochastic

    @property
    def binary(self) -> bool:
        """As the whole."""
        return self.source.binary

    @property
    def key(self) -> str:
        """The whole's key and the selection's name."""
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
    """A source's images, averaged over squares down to size x size; halves round up to the next of 256 levels."""

    source: Source
    size: int

    def __post_init__(self):
        height, width, _ = self.source.shape
        if not isinstance(self.size, int) or self.size < 1 or height % self.size or width % self.size:
            raise UserError(
                f"Images of {height} x {width} can be averaged down to a size that divides both, got size "
                f"{self.size!r}: choose one of {[s for s in range(4, height + 1) if not height % s | width % s]}."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.size, self.size, self.source.shape[2]

    @property
    def stochastic(self) -> bool:
        """As the source."""
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
