"""Smaller versions of a grid: some values of some factors, and smaller images."""

from collections.abc import Mapping, Sequence

import numpy as np

from rdl.data.factors import FactorSpace, Grid
from rdl.data.sources import Pooled, Selection, Source
from rdl.errors import UserError


def sub_grid(source: Source, grid: Grid, values: Mapping[str, int | Sequence[int]]) -> tuple[Source, Grid]:
    """The images with the chosen values of the factors: again a full grid, with its values numbered from 0.

    Args:
      source: the images, one per state of `grid.full`, in order.
      grid: the factors.
      values: per factor a list of values, or a number n for every n-th value from 0. Other factors keep all values.

    Raises:
      UserError: an unknown factor or value.
    """
    full = grid.full
    full.columns(values)  # raises for unknown factors
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
            f"Expected values of '{name}' as a list of integers, or a number n >= 1 for every n-th, got {wanted!r}."
        )
    if not wanted or len(set(wanted)) < len(wanted) or not 0 <= min(wanted) <= max(wanted) < size:
        raise UserError(f"Expected values of '{name}' as distinct numbers from 0 to {size - 1}, got {list(wanted)}.")
    return np.array(wanted)


def shrink(source: Source, size: int | None) -> Source:
    """The images averaged down to size x size; unchanged if size is None."""
    return source if size is None or source.shape[:2] == (size, size) else Pooled(source, size)
