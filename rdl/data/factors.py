"""Ground-truth factors: the factor space, and the factors of each image of a set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from rdl.errors import UserError


@dataclass(frozen=True)
class FactorSpace:
    """The ground-truth factors; in a grid, the last factor changes fastest with the index.

    Attributes:
      names: one distinct name per factor.
      sizes: number of distinct values per factor.
      continuous: whether a factor is a measured quantity rather than a class or a level; all False by default.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    continuous: tuple[bool, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "sizes", tuple(int(size) for size in self.sizes))
        continuous = tuple(bool(flag) for flag in self.continuous) or (False,) * len(self.sizes)
        object.__setattr__(self, "continuous", continuous)
        if not len(self.names) == len(self.sizes) == len(continuous) or len(set(self.names)) != len(self.names):
            raise UserError(
                f"A factor space needs one distinct name per factor, got names {self.names} "
                f"for {len(self.sizes)} sizes: rename the factors."
            )
        if min(self.sizes, default=1) < 1:
            raise UserError(f"Every factor needs at least one value, got sizes {self.sizes}: leave empty factors out.")

    @property
    def num_factors(self) -> int:
        """Number of factors."""
        return len(self.sizes)

    @property
    def num_states(self) -> int:
        """Number of combinations of values."""
        return prod(self.sizes)

    def columns(self, names: Iterable[str]) -> list[int]:
        """The columns of the factors with these names.

        Raises:
          UserError: no factor has one of the names.
        """
        names = list(names)
        if unknown := [name for name in names if name not in self.names]:
            raise UserError(f"No factor is called {unknown[0]!r}: the factors are {', '.join(self.names)}.")
        return [self.names.index(name) for name in names]

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for state numbers [n]."""
        indices = np.asarray(indices)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.num_states:
            raise IndexError(f"Indices must lie in [0, {self.num_states}), got {indices.min()} to {indices.max()}.")
        columns = np.unravel_index(indices, self.sizes) if self.sizes else ()
        return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(indices), 0), np.int64)

    def index(self, factors: np.ndarray) -> np.ndarray:
        """State numbers, int64 [n], for numbers of values [n, factors].

        Raises:
          UserError: another number of factors, or a value that a factor does not have.
        """
        factors = self.checked(factors)
        return np.asarray(np.ravel_multi_index(tuple(factors.T), self.sizes), np.int64)

    def checked(self, factors: np.ndarray) -> np.ndarray:
        """Checks numbers of values [n, factors] and returns them as int64.

        Raises:
          UserError: another number of factors, or a value that a factor does not have.
        """
        factors = np.asarray(factors)
        if factors.ndim != 2 or factors.shape[1] != self.num_factors:
            raise UserError(
                f"Expected factors of shape [n, {self.num_factors}] ({', '.join(self.names)}), "
                f"got {list(factors.shape)}."
            )
        wrong = (factors < 0) | (factors >= np.array(self.sizes))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise UserError(
                f"Factor '{self.names[column]}' has the values 0 to {self.sizes[column] - 1}, "
                f"got {factors[row, column]}."
            )
        return factors.astype(np.int64)


class GroundTruth(Protocol):
    """Factors of the images of a source."""

    @property
    def space(self) -> FactorSpace:
        """The ground-truth factors."""
        ...

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for images [n]."""
        ...

    def factor_values(self, indices: np.ndarray) -> np.ndarray:
        """The factors' values themselves, float64 [n, factors], for images [n]; words are numbered."""
        ...

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors, int64 [num, factors]."""
        ...

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws an image with the given factors for each row of factors [n, factors]: int64 [n]."""
        ...

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws a partner for each image [n]: an image, possibly the same, that agrees in all but the changing factors.

        Args:
          indices: images [n].
          changing: bool [n, factors].
          random: generator of the draws.

        Returns:
          int64 [n].
        """
        ...


@dataclass(frozen=True)
class Grid:
    """One image per combination of values of all factors, in order.

    `latent` selects the ground-truth factors. The other factors are drawn for every observation, as
    disentanglement_lib does with the shape in dsprites_noshape and the instance in smallnorb. Draws follow that
    library's order, one `randint(size, size=num)` per factor, so that equal random states give equal samples.
    """

    full: FactorSpace
    latent: tuple[int, ...]

    @staticmethod
    def over(names: Sequence[str], sizes: Sequence[int], hidden: Sequence[str] = ()) -> "Grid":
        """A grid in which every factor but the hidden ones is ground truth."""
        latent = tuple(i for i, name in enumerate(names) if name not in hidden)
        return Grid(FactorSpace(tuple(names), tuple(sizes)), latent)

    @property
    def space(self) -> FactorSpace:
        """The ground-truth factors."""
        return FactorSpace(
            tuple(self.full.names[i] for i in self.latent), tuple(self.full.sizes[i] for i in self.latent)
        )

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for images [n]."""
        return self.full.factors(indices)[:, list(self.latent)]

    def factor_values(self, indices: np.ndarray) -> np.ndarray:
        """The same numbers, float64: the values of a grid are numbered."""
        return self.factors(indices).astype(np.float64)

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors uniformly: int64 [num, factors]."""
        columns = [random_state.randint(size, size=num) for size in self.space.sizes]
        return np.stack(columns, axis=1).astype(np.int64)

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Images, int64 [n], with the given factors [n, factors]; hidden factors are drawn."""
        factors = np.asarray(factors)
        self.space.checked(factors)  # before anything is drawn
        every = np.zeros((len(factors), self.full.num_factors), np.int64)
        every[:, list(self.latent)] = factors
        for i, size in enumerate(self.full.sizes):
            if i not in self.latent:
                every[:, i] = random_state.randint(size, size=len(factors))
        return self.full.index(every)

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws new values of the changing and the hidden factors for each image; see `GroundTruth`."""
        every, redrawn = self.full.factors(indices), np.ones((len(indices), self.full.num_factors), bool)
        redrawn[:, list(self.latent)] = changing
        values = [random.integers(size, size=len(indices)) for size in self.full.sizes]
        return self.full.index(np.where(redrawn, np.stack(values, axis=1), every))


class Table:
    """Factors stored per image, in any combination: labels of a user's images, or a part of a grid.

    Sampling factors samples images. `find` draws among the images that have exactly the given factors. The number of
    combinations may exceed 64 bits, so rows are compared instead of state numbers.

    Args:
      space: the factors.
      table: numbers of the factors' values, [images, factors].
      values: the values that the numbers stand for, one ascending array per factor; None: the numbers themselves.

    Raises:
      UserError: numbers outside the space.
    """

    def __init__(self, space: FactorSpace, table: np.ndarray, values: Sequence[np.ndarray] | None = None):
        self.space = space
        self.values = None if values is None else tuple(np.asarray(each, np.float64) for each in values)
        self._table = space.checked(table)
        rows = _rows(self._table)
        self._by_row = np.argsort(rows, kind="stable")
        self._ordered = rows[self._by_row]

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for images [n]."""
        return self._table[indices]

    def factor_values(self, indices: np.ndarray) -> np.ndarray:
        """The factors' values, float64 [n, factors], for images [n]; words are numbered."""
        numbers = self.factors(indices)
        if self.values is None:
            return numbers.astype(np.float64)
        return np.stack([values[column] for values, column in zip(self.values, numbers.T, strict=True)], axis=1)

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors with their frequency among the images: int64 [num, factors]."""
        return self._table[random_state.randint(len(self._table), size=num)]

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws an image with the given factors for each row of factors [n, factors]: int64 [n].

        Raises:
          UserError: no image has one of the combinations.
        """
        wanted = _rows(self.space.checked(factors))
        first, last = (np.searchsorted(self._ordered, wanted, side) for side in ("left", "right"))
        if (first == last).any():
            row = np.flatnonzero(first == last)[0]
            values = ", ".join(f"{name}={value}" for name, value in zip(self.space.names, factors[row], strict=True))
            raise UserError(
                f"No image has the factors {values}, and this metric needs every combination of factors: use a metric "
                "that samples images (mig, dci, sap_score)."
            )
        return self._by_row[first + random_state.randint(0, last - first)]

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws a partner for each image; see `GroundTruth`."""
        found = np.empty(len(indices), np.int64)
        for some in np.unique(changing, axis=0):
            places = np.flatnonzero((changing == some).all(axis=1))
            _, groups, sizes = np.unique(_rows(self._table[:, ~some]), return_inverse=True, return_counts=True)
            by_group, first = np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes
            mine = groups[indices[places]]
            found[places] = by_group[first[mine] + random.integers(sizes[mine])]
        return found


class PartlyKnown(Table):
    """Factors of some of the images; only these images are ever drawn.

    Args:
      known: factors of the labelled images.
      images: indices of the labelled images, ascending.
      num_images: number of all images.
    """

    def __init__(self, known: Table, images: np.ndarray, num_images: int):
        super().__init__(known.space, known.factors(np.arange(len(images))), known.values)
        self.images = images
        self._rows_of = np.full(num_images, -1)
        self._rows_of[images] = np.arange(len(images))

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Numbers of the factors' values, int64 [n, factors], for images [n].

        Raises:
          UserError: one of the images has no label.
        """
        rows = self._rows_of[indices]
        if (rows < 0).any():
            image = np.asarray(indices)[rows < 0][0]
            raise UserError(f"The factors of image {image} are unknown: use the indices that labelled() returns.")
        return super().factors(rows)

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """See `Table`."""
        return self.images[super().find(factors, random_state)]

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See `Table`."""
        return self.images[super().partners(self._rows_of[indices], changing, random)]


def _rows(table: np.ndarray) -> np.ndarray:
    """Rows of a table [n, factors] of non-negative numbers as byte strings that sort in the rows' order: [n]."""
    return np.ascontiguousarray(table, ">u4").view(f"V{4 * table.shape[1]}")[:, 0]
