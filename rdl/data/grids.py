"""Studies that fit a laptop: some values of some factors, and smaller images."""

from collections.abc import Mapping, Sequence

import numpy as np

from rdl.data.factors import FactorSpace, Grid
from rdl.data.sources import Pooled, Selection, Source
from rdl.errors import UserError


def sub_grid(source: Source, grid: Grid, values: Mapping[str, int | Sequence[int]]) -> tuple[Source, Grid]:
    """The images that have some values of some factors: again a full grid, its values counted from 0.

    Args:
      source: the images, one for each state of `grid.full` in order.
      grid: their factors.
      values: by factor's name, a list of values, or a number n for every n-th from 0. Factors not named keep
      all.

    Raises:
      UserError: a factor or a value that the data set does not have.
    """
    full = grid.full
    full.columns(values)  # all are known
    chosen = [_values(name, size, values.get(name, 1)) for name, size in zip(full.names, full.sizes, strict=True)]
    smaller = Grid(FactorSpace(full.names, tuple(map(len, chosen))), grid.latent)
    states = smaller.full.factors(np.arange(smaller.full.num_states))
    positions = full.index(np.stack([values[column] for values, column in zip(chosen, states.T, strict=True)], 1))
    return Selection(source, positions, repr([list(map(int, values)) for values in chosen])), smaller


def _values(name: str, size: int, wanted: int | Sequence[int]) -> np.ndarray:
    if isinstance(wanted, (int, np.integer)) and wanted >= 1:
        return np.arange(0, size, wanted)
    if not isinstance(wanted, (list, tuple)) or not all(isinstance(value, (int, np.integer)) for value in wanted):
        raise UserError(
            f"Values of '{name}' are a list of integers, or a number n >= 1 for every n-th; got {wanted!r}."
        )
    if not wanted or len(set(wanted)) < len(wanted) or not 0 <= min(wanted) <= max(wanted) < size:
        raise UserError(f"Values of '{name}' are distinct numbers from 0 to {size - 1}, got {list(wanted)}.")
    return np.array(wanted)


def shrink(source: Source, size: int | None) -> Source:
    """The images averaged down to size x size; as they are where no size is asked for."""
    return source if size is None or source.shape[:2] == (size, size) else Pooled(source, size)
