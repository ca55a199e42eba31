"""Ground-truth factors: the space they span, and how they belong to the images of a set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from rdl.errors import UserError


@dataclass(frozen=True)
class FactorSpace:
    """Names and numbers of values of the factors; the last factor changes fastest with the index."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "sizes", tuple(int(size) for size in self.sizes))
        if len(self.names) != len(self.sizes) or len(set(self.names)) != len(self.names):
            raise UserError(
                f"A factor space needs one distinct name per factor, got names {self.names} "
                f"for {len(self.sizes)} sizes."
            )
        if min(self.sizes, default=1) < 1:
            raise UserError(f"Every factor needs at least one value, got sizes {self.sizes}.")

    @property
    def num_factors(self) -> int:
        """How many factors there are."""
        return len(self.sizes)

    @property
    def num_states(self) -> int:
        """How many combinations of values there are."""
        return prod(self.sizes)

    def columns(self, names: Iterable[str]) -> list[int]:
        """The columns of the factors that are called so.

        Raises:
          UserError: no factor has one of the names.
        """
        names = list(names)
        if unknown := [name for name in names if name not in self.names]:
            raise UserError(f"No factor is called {unknown[0]!r}: the factors are {', '.join(self.names)}.")
        return [self.names.index(name) for name in names]

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Values of the factors, int64 [n, factors], for state numbers [n]."""
        indices = np.asarray(indices)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.num_states:
            raise IndexError(f"Indices must lie in [0, {self.num_states}), got {indices.min()} to {indices.max()}.")
        columns = np.unravel_index(indices, self.sizes) if self.sizes else ()
        return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(indices), 0), np.int64)

    def index(self, factors: np.ndarray) -> np.ndarray:
        """State numbers, int64 [n], of values of the factors [n, factors].

        Raises:
          UserError: another number of factors, or a value that a factor does not have.
        """
        factors = self.checked(factors)
        return np.asarray(np.ravel_multi_index(tuple(factors.T), self.sizes), np.int64)

    def checked(self, factors: np.ndarray) -> np.ndarray:
        """Values of the factors as int64 [n, factors].

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
    """How factors belong to the images of a source."""

    @property
    def space(self) -> FactorSpace:
        """The ground-truth factors."""
        ...

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Factors, int64 [n, factors], of images [n]."""
        ...

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors, int64 [num, factors]."""
        ...

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws for each row of factors [n, factors] an image that has them: int64 [n]."""
        ...

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws for each image [n] one of those, itself among them, that share all factors but the changing ones.

        Args:
          indices: images [n].
          changing: bool [n, factors].
          random: what is drawn comes from it.

        Returns:
          int64 [n].
        """
        ...


@dataclass(frozen=True)
class Grid:
    """One image for each combination of values of all factors, in order.

    `latent` picks the factors that count as ground truth; the others are drawn anew for every observation, as
    disentanglement_lib does with the shape in dsprites_noshape and the instance in smallnorb. Draws follow
    its order, one `randint(size, size=num)` per factor, so that equal random states give equal samples.
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
        """Factors, int64 [n, factors], of images [n]."""
        return self.full.factors(indices)[:, list(self.latent)]

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors, int64 [num, factors], every combination as likely as the next."""
        columns = [random_state.randint(size, size=num) for size in self.space.sizes]
        return np.stack(columns, axis=1).astype(np.int64)

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Images, int64 [n], with these factors [n, factors]; hidden factors are drawn."""
        factors = np.asarray(factors)
        self.space.checked(factors)  # before anything is drawn
        every = np.zeros((len(factors), self.full.num_factors), np.int64)
        every[:, list(self.latent)] = factors
        for i, size in enumerate(self.full.sizes):
            if i not in self.latent:
                every[:, i] = random_state.randint(size, size=len(factors))
        return self.full.index(every)

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws for each image another value of the changing factors, and of the hidden ones; see `GroundTruth`."""
        every, redrawn = self.full.factors(indices), np.ones((len(indices), self.full.num_factors), bool)
        redrawn[:, list(self.latent)] = changing
        values = [random.integers(size, size=len(indices)) for size in self.full.sizes]
        return self.full.index(np.where(redrawn, np.stack(values, axis=1), every))


class Table:
    """Factors written down per image, in any combination: one's own labels, or a part of a grid.

    Factors are drawn by drawing an image. An observation of given factors is one of the images that have
    exactly these, at random. There may be more combinations than 64 bits can number: rows are compared instead.
    """

    def __init__(self, space: FactorSpace, table: np.ndarray):
        self.space = space
        self._table = space.checked(table)
        rows = _rows(self._table)
        self._by_row = np.argsort(rows, kind="stable")
        self._ordered = rows[self._by_row]

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Factors, int64 [n, factors], of images [n]."""
        return self._table[indices]

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors, int64 [num, factors], as often as images have them."""
        return self._table[random_state.randint(len(self._table), size=num)]

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """Draws for each row of factors [n, factors] one of the images that have them: int64 [n].

        Raises:
          UserError: no image has one of the combinations.
        """
        wanted = _rows(self.space.checked(factors))
        first, last = (np.searchsorted(self._ordered, wanted, side) for side in ("left", "right"))
        if (first == last).any():
            row = np.flatnonzero(first == last)[0]
            values = ", ".join(f"{name}={value}" for name, value in zip(self.space.names, factors[row], strict=True))
            raise UserError(
                f"No image has the factors {values}: these images do not cover every combination of factors, "
                "which this metric needs; use one that only samples images (mig, dci, sap_score)."
            )
        return self._by_row[first + random_state.randint(0, last - first)]

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws for each image one that shares all but the changing factors; see `GroundTruth`."""
        found = np.empty(len(indices), np.int64)
        for some in np.unique(changing, axis=0):
            asked = np.flatnonzero((changing == some).all(axis=1))
            _, groups, sizes = np.unique(_rows(self._table[:, ~some]), return_inverse=True, return_counts=True)
            by_group, first = np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes
            mine = groups[indices[asked]]
            found[asked] = by_group[first[mine] + random.integers(sizes[mine])]
        return found


class PartlyKnown(Table):
    """Factors of some of the images only; nothing is drawn but these images."""

    def __init__(self, known: Table, images: np.ndarray, num_images: int):
        """The factors of the images at these numbers, rising, of so many."""
        super().__init__(known.space, known.factors(np.arange(len(images))))
        self.images = images
        self._rows_of = np.full(num_images, -1)
        self._rows_of[images] = np.arange(len(images))

    def factors(self, indices: np.ndarray) -> np.ndarray:
        """Factors, int64 [n, factors], of images [n].

        Raises:
          UserError: those of one of them are not known.
        """
        rows = self._rows_of[indices]
        if (rows < 0).any():
            raise UserError(f"The factors of image {np.asarray(indices)[rows < 0][0]} are not known: leave it out.")
        return super().factors(rows)

    def find(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """As of a `Table`."""
        return self.images[super().find(factors, random_state)]

    def partners(self, indices: np.ndarray, changing: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """As of a `Table`."""
        return self.images[super().partners(self._rows_of[indices], changing, random)]


def _rows(table: np.ndarray) -> np.ndarray:
    """The rows of a table of numbers from 0, [n, factors], as bytes that sort as the rows do: [n]."""
    return np.ascontiguousarray(table, ">u4").view(f"V{4 * table.shape[1]}")[:, 0]
