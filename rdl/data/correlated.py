"""Correlated factors: the images of a grid, sampled such that two of its factors correlate."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from rdl.data.factors import FactorSpace, Grid, Table
from rdl.data.formats.shapes import FEWEST
from rdl.data.sources import Selection, Source
from rdl.errors import UserError
from rdl.seeds import generator

Correlation = Sequence[str | float]
"""Names of two factors and sigma, ``("x", "y", 0.2)``: the smaller sigma, the stronger the correlation."""


def correlated(source: Source, grid: Grid, correlation: Correlation) -> tuple[Source, Table]:
    """Keeps each image with probability exp(-(c - d)^2 / (2 sigma^2)).

    c and d are the numbers of the two factors' values, scaled to [0, 1]: the density of Träuble et al., On Disentangled
    Representations Learned From Correlated Data, ICML 2021 (arXiv 2006.07886). The other factors stay uniform and
    independent of the two. The same images are kept each time; a smaller sigma keeps a subset of them.

    Args:
      source: the images, one per state of `grid.full`, in order.
      grid: the factors.
      correlation: the two factors and sigma.

    Raises:
      UserError: a correlation of another form, an unknown factor, a factor with one value, a factor named twice, a
        sigma that is not positive and finite, or too few images left.
    """
    drawn = generator("data", "correlation").random(grid.full.num_states)
    positions = np.flatnonzero(drawn < _probabilities(grid.full, correlation)).astype(np.int64)
    if len(positions) < FEWEST:
        raise UserError(
            f"Expected at least {FEWEST} images with the correlation {correlation!r}, got {len(positions)} of "
            f"{len(source)}: choose a larger sigma, or more values."
        )
    which = hashlib.sha256(positions.data).hexdigest()[:16]
    return Selection(source, positions, f"correlated {which}"), Table(grid.space, grid.factors(positions))


def _probabilities(space: FactorSpace, correlation: Correlation) -> np.ndarray:
    """Probability of keeping each state: [states]."""
    first, second, sigma = _checked(space, correlation)
    scaled = [np.linspace(0, 1, space.sizes[column]) for column in (first, second)]
    with np.errstate(over="ignore"):  # distances of more sigmas than a float holds
        density = np.exp(-0.5 * (np.subtract.outer(*scaled) / sigma) ** 2)
    pair = [size if column in (first, second) else 1 for column, size in enumerate(space.sizes)]
    return np.broadcast_to(density.reshape(pair), space.sizes).ravel()


def _checked(space: FactorSpace, correlation: Correlation) -> tuple[int, int, float]:
    """Columns of the two factors in ascending order, and sigma; the density is symmetric in the factors."""
    match correlation:
        case (str(first), str(second), int(sigma) | float(sigma)):
            columns = space.columns((first, second))
        case _:
            raise UserError(
                f'Expected a correlation of two factors and sigma, such as ("x", "y", 0.2), got {correlation!r}.'
            )
    if first == second:
        raise UserError(f"Expected a correlation of two factors, got '{first}' twice: name another one.")
    if single := [space.names[column] for column in columns if space.sizes[column] == 1]:
        raise UserError(
            f"Expected factors of several values to correlate, got '{single[0]}' with one: choose another factor."
        )
    if not 0 < sigma < math.inf:
        raise UserError(f"Expected a positive, finite sigma of the correlation, such as 0.2, got {sigma!r}.")
    return min(columns), max(columns), sigma
