"""Decides which factors are discrete and which are continuous, from the number of their values and points."""

from collections.abc import Sequence

import numpy as np

from rdl.errors import UserError

MOST_CLASSES = 20
"""A factor with at most this number of values is discrete."""
POINTS_PER_CLASS = 10
"""A factor with more values is continuous if it has fewer points per value than this."""
MOST_FRACTIONAL_CLASSES = 64
"""A factor with more values that include fractions is continuous for any number of points."""


def find_continuous(factors: np.ndarray) -> np.ndarray:
    """Recognises continuous factors: bool [factors] for factors [n, factors].

    The type does not matter: angles in whole degrees on 1,000 points are continuous, and six scales from 0.5 to 1.0 are
    discrete. A classifier of 360 values with three points each can learn nothing, and takes 360 trees a round.
    """
    return np.array([_is_continuous(column) for column in np.asarray(factors).T], dtype=bool)


def resolve_continuous(
    factors: np.ndarray, names: Sequence[str], continuous: Sequence[str] = (), discrete: Sequence[str] = ()
) -> np.ndarray:
    """Applies the user's declarations, and `find_continuous` to all other factors.

    Args:
      factors: [n, factors].
      names: of the factors.
      continuous: names or numbers of factors declared continuous.
      discrete: names or numbers of factors declared discrete.

    Raises:
      UserError: an unknown factor, or one declared both ways.
    """
    found = find_continuous(factors)
    declared_continuous = [_column(name, names, "continuous") for name in continuous]
    declared_discrete = [_column(name, names, "discrete") for name in discrete]
    if both := set(declared_continuous) & set(declared_discrete):
        raise UserError(f"Factor {names[min(both)]!r} is declared continuous and discrete: declare it once.")
    found[declared_continuous] = True
    found[declared_discrete] = False
    return found


def describe_continuous(factors: np.ndarray, names: Sequence[str], continuous: np.ndarray) -> str | None:
    """One line that names the continuous factors with the number of their values; None if there are none."""
    if not continuous.any():
        return None
    counts = [
        f"{name} ({len(np.unique(column)):,} values on {len(factors):,} points)"
        for name, column, flag in zip(names, factors.T, continuous, strict=True)
        if flag
    ]
    return f"continuous factors: {', '.join(counts)}"


def _is_continuous(column: np.ndarray) -> bool:
    values = np.unique(column)
    if len(values) <= MOST_CLASSES:
        return False
    fractional = values.dtype.kind == "f" and bool((values != np.floor(values)).any())
    return len(values) * POINTS_PER_CLASS > len(column) or (fractional and len(values) > MOST_FRACTIONAL_CLASSES)


def _column(name: str, names: Sequence[str], kind: str) -> int:
    if name in names:
        return list(names).index(name)
    if name.isdigit() and int(name) < len(names):
        return int(name)
    raise UserError(f"--{kind}: expected some of {', '.join(names)}, received {name!r}")
