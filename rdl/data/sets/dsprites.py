"""dSprites, official or rendered, and disentanglement_lib's random variants of it.

disentanglement_lib draws the colours, the noise or the background for every observation, and so does
`sample_observations_from_factors`, with the same draws. Images by index are the same each time: the index seeds the
draw.
"""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from rdl.data import cache, official
from rdl.data.factors import Grid
from rdl.data.formats import npz
from rdl.data.formats.hdf5 import Hdf5Source
from rdl.data.formats.picture_files import open_picture
from rdl.data.sets.sprites import SIZE, SPACE, RenderedSprites
from rdl.data.sources import Source
from rdl.errors import UserError

_SCREAM_WITHIN = (350, 274)  # pixels: disentanglement_lib shrinks the picture to fit


def sprites(origin: str = "auto") -> Source:
    """All of dSprites: from the official file if it is in the data folder, else rendered.

    Raises:
      UserError: an unknown origin, or the official file is required and absent.
    """
    if origin not in ("auto", "official", "rendered"):
        raise UserError(
            f"Expected dataset.origin 'official', 'rendered' or 'auto' (the first available), got {origin!r}."
        )
    if origin != "rendered":
        if path := official.DSPRITES_NPZ.locate():
            return _packed_npz(path)
        if path := official.DSPRITES_HDF5.locate():
            return _packed_hdf5(path)
        if origin == "official":
            official.DSPRITES_NPZ.require("dsprites_full")
    return RenderedSprites()


def _packed_npz(path: Path) -> Source:
    """The official npz, whose images are compressed as one array, unpacked once into a cache of bits."""
    entry = npz.read_npz_header(path, "imgs")
    _expect(entry.shape, entry.dtype, path)
    blocks = (block * np.uint8(255) for block in npz.stream_npz(entry, (SIZE, SIZE, 1)))
    key = f"dsprites official {npz.file_identity(path)}"
    return cache.build_cache(key, SPACE.num_states, (SIZE, SIZE, 1), blocks, packed=True)


def _packed_hdf5(path: Path) -> Source:
    source = Hdf5Source(path, "imgs", scale=255)
    _expect((len(source), *source.shape[:2]), np.dtype(np.uint8), path)
    key = f"dsprites official {npz.file_identity(path)}"
    return cache.build_cache(key, len(source), source.shape, source.blocks(), packed=True)


def _expect(shape: tuple[int, ...], dtype: np.dtype, path: Path) -> None:
    expected = (SPACE.num_states, SIZE, SIZE)
    if shape != expected or dtype != np.uint8:
        raise UserError(
            f"Expected 'imgs' in {path} to be uint8 {list(expected)}, got {dtype} {list(shape)}: get the file again."
        )


def grid(*hidden: str) -> Grid:
    """The factors of dSprites; hidden factors are not ground truth and are drawn for every observation."""
    return Grid.over(SPACE.names, SPACE.sizes, hidden)


@dataclass(frozen=True)
class Variant(Source):
    """dSprites with a random part: grey in, RGB out."""

    source: Source

    stochastic = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, 3."""
        return (*self.source.shape[:2], 3)

    @property
    def key(self) -> str:
        """The sprites' key and the variant's name."""
        return f"{self.source.key} {type(self).__name__}"

    def __len__(self) -> int:
        return len(self.source)

    @abstractmethod
    def decorate(self, images: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """[n, height, width, 3] in [0, 1] from sprites [n, height, width, 1] of 0 and 1."""

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, 3]; the draws depend on the index alone."""
        images = self.source.read(indices) / 255
        out = np.empty((len(indices), *self.shape), np.uint8)
        for i, index in enumerate(indices):
            random_state = np.random.RandomState(np.random.Philox(key=int(index)))
            out[i] = np.rint(255 * self.decorate(images[i : i + 1], random_state)[0])
        return out

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, height, width, 3] in [0, 1], with disentanglement_lib's draws from the random state."""
        return self.decorate(self.source.read(indices) / 255, random_state).astype(np.float32)


class Coloured(Variant):
    """Each sprite has one colour, with channels uniform in [0.5, 1]."""

    def decorate(self, images: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """[n, height, width, 3] in [0, 1]."""
        return images * random_state.uniform(0.5, 1, [len(images), 1, 1, 3])


class Noisy(Variant):
    """The background is noise, uniform in [0, 1] per pixel and channel."""

    def decorate(self, images: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """[n, height, width, 3] in [0, 1]."""
        return np.minimum(images + random_state.uniform(0, 1, [len(images), *self.shape]), 1)


@dataclass(frozen=True)
class OnScream(Variant):
    """The background is a part of Munch's Scream averaged with a colour; the sprite inverts it."""

    scream: np.ndarray  # [height, width, 3] in [0, 1]

    def decorate(self, images: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """[n, height, width, 3] in [0, 1]."""
        height, width, _ = self.shape
        out = np.empty((len(images), *self.shape))
        for i, image in enumerate(images):
            row = random_state.randint(0, self.scream.shape[0] - height)
            column = random_state.randint(0, self.scream.shape[1] - width)
            part = self.scream[row : row + height, column : column + width]
            background = (part + random_state.uniform(0, 1, size=3)) / 2
            out[i] = np.where(image == 1, 1 - background, background)
        return out


def scream() -> np.ndarray:
    """The picture, [height, width, 3] in [0, 1], shrunk to fit in 350 x 274 pixels as in disentanglement_lib.

    Raises:
      UserError: the file is absent, damaged or too small.
    """
    path = official.SCREAM.require("scream_dsprites")

    def use(image: Image.Image) -> np.ndarray:
        picture = image.convert("RGB")
        picture.thumbnail(_SCREAM_WITHIN)
        if min(picture.size) <= SIZE:
            raise UserError(f"{path} is {picture.width} x {picture.height} after shrinking: get a larger picture.")
        return np.asarray(picture) / 255

    return open_picture(path, use)
