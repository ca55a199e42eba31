"""Images in an HDF5 file, read lazily: only those asked for are ever in memory."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rdl.data.formats import npz
from rdl.data.sources import Source
from rdl.errors import UserError

_CHUNK_CACHE = 1 << 26  # bytes of decompressed chunks that h5py may keep: holds a large chunk, and bounds memory


class Hdf5Source(Source):
    """uint8 images [n, height, width] or [n, height, width, channels] of one array in the file, times `scale`."""

    def __init__(self, path: Path, array: str, scale: int = 1):
        """Looks at the array without reading it.

        Raises:
          UserError: no such file or array, a damaged file, or no uint8 images.
        """
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
        self._key = f"{npz.identity(path)} {array}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return self._length

    def _images(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():  # a file opened before a fork must not be shared
            try:
                file = h5py.File(self.path, "r", rdcc_nbytes=_CHUNK_CACHE)
                images = file.get(self._array)
                if not isinstance(images, h5py.Dataset):  # nothing, or a group of arrays
                    raise UserError(f"Expected an array '{self._array}' in {self.path}, which has none.")
                self._opened = (os.getpid(), images)
            except UserError:
                raise
            except Exception as error:  # HDF5's readers raise what they please on a file that is damaged
                raise UserError(f"{self.path} is no HDF5 file, or it is truncated or damaged: get it again.") from error
        return self._opened[1]

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels].

        Raises:
          UserError: a chunk of the file is damaged.
        """
        images = self._images()
        out = np.empty((len(indices), *images.shape[1:]), np.uint8)
        try:
            for position in np.argsort(indices):  # in the file's order, so that each chunk is decompressed once
                images.read_direct(out, np.s_[indices[position]], np.s_[position])
        except Exception as error:  # as above
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"Cannot read the images in {self.path}, it is damaged ({reason}): get it again."
            ) from error
        return out.reshape(len(indices), *self.shape) * np.uint8(self._scale)
