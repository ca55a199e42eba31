"""A set of images by index, with or without ground-truth factors."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rdl.data.factors import FactorSpace, GroundTruth, PartlyKnown, Table
from rdl.data.sources import Source
from rdl.errors import UserError

_HASHED = 1000  # images that enter a fingerprint


class ImageSet:
    """uint8 images by index; the whole set is never held as floats.

    With factors it is also ground-truth data with disentanglement_lib's interface: `num_factors`,
    `factors_num_values`, `observation_shape`, `sample_factors`, `sample_observations_from_factors`, `sample`
    and `sample_observations`, which make that library's draws from the random state in its order.

    It can be pickled to another process and read from several threads.

    Args:
      name: of the data set.
      source: the images.
      labels: the factors of the source's images; None: unknown.
      indices: the images of the source that belong to the set, int64 [n]; None: all.
      notes: what loading decided, one sentence each: files ignored, ranges recognised, factors left out.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        labels: GroundTruth | None = None,
        indices: np.ndarray | None = None,
        notes: Sequence[str] = (),
    ):
        self.name = name
        self.source = source
        self.notes = tuple(notes)
        self._labels = labels
        self._indices = indices
        self._table: Table | None = None

    def __len__(self) -> int:
        return len(self.source) if self._indices is None else len(self._indices)

    def __repr__(self) -> str:
        factors = "no factors" if self._labels is None else ", ".join(self._labels.space.names)
        return f"ImageSet({self.name}: {len(self)} images of {'x'.join(map(str, self.shape))}, {factors})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_table": None}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.source.shape

    @property
    def is_table(self) -> bool:
        """Whether the images are rows of a table of numbers: height 1, one pixel per column, one channel."""
        return self.shape[0] == 1 and self.shape[2] == 1

    @property
    def factor_space(self) -> FactorSpace | None:
        """The ground-truth factors; None where they are unknown."""
        return None if self._labels is None else self._labels.space

    def images(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, height, width, channels] for indices [n]."""
        return self.source.read(self._positions(indices))

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for indices [n].

        Raises:
          UserError: the factors of these images are unknown.
        """
        return self._known_labels().factors(self._positions(indices))

    def factor_values(self, indices: np.ndarray) -> np.ndarray:
        """The factors' values themselves, float64 [n, factors], for indices [n].

        Values of continuous factors are the measured quantities. Words and the values of a grid are numbered from 0.

        Raises:
          UserError: the factors of these images are unknown.
        """
        return self._known_labels().factor_values(self._positions(indices))

    def fingerprint(self) -> dict[str, Any]:
        """Identifies the images: their number, shape and factors, and a hash of at most 1,000 of them."""
        few = np.linspace(0, len(self) - 1, min(len(self), _HASHED)).astype(np.int64)
        content = hashlib.sha256(np.ascontiguousarray(self.images(few)).data)
        space = self.factor_space
        if space is not None:
            content.update(np.ascontiguousarray(self.factors(np.intersect1d(few, self.labelled()))).data)
        return {
            "images": len(self),
            "shape": list(self.shape),
            "factors": None if space is None else dict(zip(space.names, space.sizes, strict=True)),
            "content": content.hexdigest(),
        }

    def labelled(self) -> np.ndarray:
        """Indices of the images with labels, int64 [n]: all images, unless a label file has gaps."""
        labels = self._known_labels()
        if not isinstance(labels, PartlyKnown):
            return np.arange(len(self))
        positions = np.arange(len(self)) if self._indices is None else self._indices
        return np.flatnonzero(np.isin(positions, labels.images))

    def subset(self, indices: np.ndarray) -> "ImageSet":
        """A set of the images at these indices [n]: image i of the subset is image indices[i] of this set."""
        return ImageSet(self.name, self.source, self._labels, self._positions(indices).copy(), self.notes)

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws a partner for each image [n]: an image, possibly the same, that agrees in all but the changing factors.

        Args:
          indices: images with labels, int64 [n].
          changing: bool [n, factors].
          random: generator of the draws.

        Returns:
          int64 [n].

        Raises:
          UserError: the factors of these images are unknown.
        """
        return self._own_labels().partners(indices, changing, random)

    @property
    def is_part(self) -> bool:
        """Whether this is a subset, whose indices differ from those of the whole set."""
        return self._indices is not None

    def _positions(self, indices: np.ndarray) -> np.ndarray:
        indices = np.asarray(indices)
        if indices.ndim != 1 or not (np.issubdtype(indices.dtype, np.integer) or indices.size == 0):
            raise TypeError(f"Expected integer indices [n], got {indices.dtype} {list(indices.shape)}.")
        indices = indices.astype(np.int64, copy=False)
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"Indices must lie in [0, {len(self)}), got {indices.min()} to {indices.max()}.")
        return indices if self._indices is None else self._indices[indices]

    def _known_labels(self) -> GroundTruth:
        if self._labels is None:
            raise UserError(
                f"The ground-truth factors of '{self.name}' are unknown: use a score without labels (UDR), or give "
                "factors with the images (docs/data.md)."
            )
        return self._labels

    def _own_labels(self) -> GroundTruth:
        """Labels by this set's own indices: a subset of a grid is a table."""
        labels = self._known_labels()
        if self._indices is None:
            return labels
        if self._table is None:
            known = self.labelled()
            numbers = labels.factors(self._indices[known])
            table = Table(labels.space, numbers, labels.values if isinstance(labels, Table) else None)
            self._table = table if len(known) == len(self) else PartlyKnown(table, known, len(self))
        return self._table

    @property
    def num_factors(self) -> int:
        """Number of ground-truth factors."""
        return self._known_labels().space.num_factors

    @property
    def factors_num_values(self) -> list[int]:
        """Number of values per ground-truth factor."""
        return list(self._known_labels().space.sizes)

    @property
    def observation_shape(self) -> list[int]:
        """Height, width and channels of an image."""
        return list(self.shape)

    def sample_factors(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors: int64 [num, factors]."""
        return self._own_labels().sample(num, random_state)

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws the index of an image with the given factors for each row of factors [n, factors]: int64 [n].

        Raises:
          UserError: no image has one of the combinations.
        """
        return self._own_labels().find(factors, random_state)

    def sample_observations_from_factors(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws one image per row of factors [n, factors]: float32 [n, height, width, channels] in [0, 1]."""
        return self.source.observe(self._positions(self.find(factors, random_state)), random_state)

    def sample(self, num: int, random_state: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """Draws factors, int64 [num, factors], and an image for each, float32 [num, height, width, channels]."""
        factors = self.sample_factors(num, random_state)
        return factors, self.sample_observations_from_factors(factors, random_state)

    def sample_observations(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws images: float32 [num, height, width, channels] in [0, 1]."""
        return self.sample(num, random_state)[1]
