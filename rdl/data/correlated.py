"""Correlated factors: a grid's images thinned out until two of its factors go together."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from rdl.data.factors import FactorSpace, Grid, Table
from rdl.data.formats.decode import FEWEST
from rdl.data.sources import Selection, Source
from rdl.errors import UserError
from rdl.seeds import generator

Correlation = Sequence[str | float]
"""Two factors' names and sigma, ``("x", "y", 0.2)``: the smaller sigma, the closer they go together."""


def correlated(source: Source, grid: Grid, correlation: Correlation) -> tuple[Source, Table]:
    """Those images that are left when each is kept with a probability of exp(-(c - d)^2 / (2 sigma^2)).

    c and d are the two factors' values, numbered and scaled to [0, 1]: the density of Träuble et al., On Disentangled
    Representations Learned From Correlated Data, ICML 2021 (arXiv 2006.07886). The other factors stay uniform and
    independent of them. The same images are kept each time, and some of these with a smaller sigma.

    Args:
      source: the images, one for each state of `grid.full` in order.
      grid: their factors.
      correlation: which two, and sigma.

    Raises:
      UserError: another form, a factor that the data set does not have or that has one value, no pair, a sigma that
        is not above 0 and finite, or too few images that are left.
    """
    drawn = generator("data", "correlation").random(grid.full.num_states)
    positions = np.flatnonzero(drawn < _probabilities(grid.full, correlation)).astype(np.int64)
    if len(positions) < FEWEST:
        raise UserError(
            f"Correlated as {correlation!r}, {len(positions)} of {len(source)} images are left, and at least {FEWEST} "
            "are needed: take a larger sigma, or more values."
        )
    which = hashlib.sha256(positions.data).hexdigest()[:16]
    return Selection(source, positions, f"correlated {which}"), Table(grid.space, grid.factors(positions))


def _probabilities(space: FactorSpace, correlation: Correlation) -> np.ndarray:
    """Of each state to be kept: [states]."""
    first, second, sigma = _checked(space, correlation)
    scaled = [np.linspace(0, 1, space.sizes[column]) for column in (first, second)]
    with np.errstate(over="ignore"):  # as many sigmas apart as no float holds
        density = np.exp(-0.5 * (np.subtract.outer(*scaled) / sigma) ** 2)
    pair = [size if column in (first, second) else 1 for column, size in enumerate(space.sizes)]
    return np.broadcast_to(density.reshape(pair), space.sizes).ravel()


def _checked(space: FactorSpace, correlation: Correlation) -> tuple[int, int, float]:
    """The columns of the two factors, rising, and sigma: the density does not ask which factor is which."""
    match correlation:
        case (str(first), str(second), int(sigma) | float(sigma)):
            columns = space.columns((first, second))
        case _:
            raise UserError(f'A correlation is two factors and sigma, such as ("x", "y", 0.2), got {correlation!r}.')
    if first == second:
        raise UserError(f"A correlation is of two factors, got '{first}' twice: name another one.")
    if single := [space.names[column] for column in columns if space.sizes[column] == 1]:
        raise UserError(f"'{single[0]}' has one value here, which goes with all others: correlate another factor.")
    if not 0 < sigma < math.inf:
        raise UserError(f"Sigma of a correlation is above 0 and finite, such as 0.2, got {sigma!r}.")
    return min(columns), max(columns), sigma
