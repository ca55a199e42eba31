"""Splits labelled points into training and test points before any point is drawn.

A metric that draws points with replacement and splits the draws tests on points that it was trained on: on 200 images,
trees then predict the factors of noise without an error. Every split here is disjoint, random by a seed, and keeps
values that few points have on both sides.
"""

import numpy as np

from rdl.seeds import generator

FEW_POINTS = 1000
RARE = 20
"""Values of a factor with fewer points are distributed over both sides; others are on both by chance."""
_UNASSIGNED, _TRAIN, _TEST = -1, 0, 1


def split_points(
    factors: np.ndarray, test_share: float, seed: int, continuous: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training points and of the test points, both ascending.

    A value with one point is in training, one with two to `RARE` points on both sides, as far as the sizes allow.

    Args:
      factors: [n, factors], n at least 2.
      test_share: share of the points in the test, rounded to at least one point on either side.
      seed: of the permutation.
      continuous: bool [factors]; the values of these factors do not count.
    """
    num_points = len(factors)
    num_test = min(max(1, round(num_points * test_share)), num_points - 1)
    places = {_TRAIN: num_points - num_test, _TEST: num_test}
    sides = np.full(num_points, _UNASSIGNED)
    ranks = generator(seed, "split").permutation(num_points)
    discrete = factors if continuous is None else factors[:, ~np.asarray(continuous)]

    def assign(points: np.ndarray, side: int) -> None:
        points = points[: places[side]]
        sides[points] = side
        places[side] -= len(points)

    for members in _rare_groups(discrete):
        unassigned = members[sides[members] == _UNASSIGNED]
        unassigned = unassigned[np.argsort(ranks[unassigned])]
        wanted = 0 if len(members) == 1 else min(max(1, round(len(members) * test_share)), len(members) - 1)
        missing = max(0, wanted - np.count_nonzero(sides[members] == _TEST))
        assign(unassigned[:missing], _TEST)
        assign(unassigned[missing:], _TRAIN)
    left = np.flatnonzero(sides == _UNASSIGNED)
    left = left[np.argsort(ranks[left])]
    assign(left, _TEST)
    sides[sides == _UNASSIGNED] = _TRAIN
    return np.flatnonzero(sides == _TRAIN), np.flatnonzero(sides == _TEST)


def split_distinct(
    codes: np.ndarray, factors: np.ndarray, num_train: int, seed: int, continuous: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Splits like `split_points`, but keeps equal points, such as an image drawn twice, on the same side.

    Points are split one by one if equal codes have different factors, as codes without information do, or if all points
    with some value of a factor are equal.

    Args:
      codes: [n, latents].
      factors: [n, factors].
      num_train: number of training points, exact if no two points are equal.
      seed: of the permutation.
      continuous: bool [factors].
    """
    share = 1 - num_train / len(codes)
    rows = np.hstack([codes, factors])
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    if len(first) < len(rows):
        order = np.argsort(first)  # numbers of the groups by their first point, whatever the codes are
        groups = np.argsort(order)[inverse.reshape(-1)]
        distinct = factors[first[order]]
        discrete = distinct if continuous is None else distinct[:, ~np.asarray(continuous)]
        determined = len(np.unique(codes[first], axis=0)) == len(first)
        if determined and all(np.unique(column, return_counts=True)[1].min() > 1 for column in discrete.T):
            train, _ = split_points(distinct, share, seed, continuous)
            in_train = np.isin(groups, train)
            return np.flatnonzero(in_train), np.flatnonzero(~in_train)
    return split_points(factors, share, seed, continuous)


def order_rows(*tables: np.ndarray) -> np.ndarray:
    """An order [n] of the rows of tables [n, columns] that depends on their content, not on their order."""
    return np.lexsort([column for table in tables for column in np.asarray(table, np.float64).T])


def describe_few_points(num_points: int) -> str | None:
    """A warning for fewer than `FEW_POINTS` labelled points; None for more."""
    if num_points >= FEW_POINTS:
        return None
    return (
        f"{num_points:,} labelled points are few: scores vary from sample to sample, and mutual information is "
        f"overestimated; {FEW_POINTS:,} or more are better"
    )


def _rare_groups(factors: np.ndarray) -> list[np.ndarray]:
    """The points of every value with fewer than `RARE` points, the rarest first."""
    groups = []
    for column in factors.T:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        by_value = np.split(np.argsort(inverse.reshape(-1), kind="stable"), np.cumsum(counts)[:-1])
        groups += [members for members in by_value if len(members) < RARE]
    return sorted(groups, key=len)
