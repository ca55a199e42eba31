"""Step 3 of a reduction: from labels to the images that share one value of every learned factor."""

import gin
import numpy as np

from rdl.errors import UserError
from rdl.recursion.records import Reduction, Staircase, Stop
from rdl.recursion.staircase import find_plateaus


@gin.configurable
def reduce_images(
    labels: np.ndarray,
    indices: np.ndarray | None = None,
    choice: int = 0,
    *,
    sharpest: int = 5,
    more_than: int = 5,
    min_images: int = 10,
    flat_labels: str = "stop",
    distinct: bool = True,
    trim: float = 0.0,
) -> Reduction:
    """Keeps the images of one plateau of every label.

    One label: its plateaus, the sharpest first, are the sets of images to choose from. Several: the
    intersections of one of the `sharpest` plateaus of each label that hold more than `more_than` images, the
    one nearest their median size first (`rank_intersections`). Number `choice` of them is kept.

    Args:
      labels: [n, learned].
      indices: the images' numbers in the full data set, [n]; 0 .. n - 1 if None.
      choice: number in the ranking: a leaf run's own in its first reduction (`x_peak`), 0 in later ones.
      sharpest: how many plateaus of each label are intersected.
      more_than: intersections of so many images or fewer are left out.
      min_images: stop where fewer are kept.
      flat_labels: what a label without a jump does: "stop" ends the leaf run (the reference); "ignore" leaves
        the label out of the reduction, which then ends only where no label has a jump.
      distinct: choices 0, 1, 2, .. share as few plateaus as can be (`rank_intersections`).
      trim: share of a plateau's images that is left out at each of its two ends, in [0, 0.5).

    Returns:
      The record of what was found, chosen and kept, or why nothing was.

    Raises:
      UserError: a table of another shape, or an option out of its range.
      NonFiniteError: NaN or infinity in the labels.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or not labels.shape[1]:
        raise UserError(f"Reduction needs labels [n, learned] with learned > 0, got the shape {labels.shape}.")
    indices = np.arange(len(labels)) if indices is None else np.asarray(indices)
    if indices.shape != labels.shape[:1]:
        raise UserError(f"Reduction needs one index a labelled image, got {indices.shape} for {labels.shape}.")
    if flat_labels not in ("stop", "ignore"):
        raise UserError(f"reduce_images.flat_labels is 'stop' or 'ignore', got {flat_labels!r}.")
    if not 0 <= trim < 0.5:
        raise UserError(f"reduce_images.trim is a share in [0, 0.5), got {trim}.")
    if choice < 0 or sharpest < 1:
        raise UserError(f"Expected choice >= 0 and sharpest >= 1, got {choice} and {sharpest}.")
    if len(labels) < min_images:
        return Reduction((), (), choice, 0, (), Stop.TOO_FEW_IMAGES)

    staircases = tuple(find_plateaus(label) for label in labels.T)
    used = [i for i, staircase in enumerate(staircases) if staircase.ranked()]
    if not used or (flat_labels == "stop" and len(used) < len(staircases)):
        return Reduction(staircases, (), choice, 0, (), Stop.NO_JUMP)
    cells = np.stack([_cells(labels[:, i], staircases[i], trim) for i in used], axis=1)
    if len(used) == 1:
        ranking = np.unique(cells[cells[:, 0] >= 0], axis=0)
    else:
        ranking = rank_intersections(cells, sharpest, more_than)
        ranking = _spread_out(ranking) if distinct else ranking
    if not len(ranking):
        return Reduction(staircases, (), choice, 0, (), Stop.EMPTY_INTERSECTION)
    if choice >= len(ranking):
        return Reduction(staircases, (), choice, len(ranking), (), Stop.NO_SUCH_CHOICE)

    chosen: list[int | None] = [None] * len(staircases)
    for i, rank in zip(used, ranking[choice], strict=True):
        chosen[i] = staircases[i].plateaus.index(staircases[i].ranked()[rank])
    kept = np.sort(indices[(cells == ranking[choice]).all(axis=1)])
    if len(kept) < min_images:
        return Reduction(staircases, tuple(chosen), choice, len(ranking), (), Stop.TOO_FEW_IMAGES)
    return Reduction(staircases, tuple(chosen), choice, len(ranking), tuple(kept.tolist()), None)


def rank_intersections(cells: np.ndarray, sharpest: int = 5, more_than: int = 5) -> np.ndarray:
    """The intersections of one plateau of each label, the one nearest their median size first.

    Equal distances: the sharper plateaus first (the smaller sum of ranks, then the smaller ranks from the
    first label on). Every image has one cell, so there are at most n intersections to look at however many
    labels there are: none of the sharpest^labels sets is made.

    Args:
      cells: each image's plateau of each label as its rank in sharpness, [n, labels]; -1 where it lies in none.
      sharpest: ranks from this on count as none.
      more_than: intersections of so many images or fewer are left out.

    Returns:
      The intersections' ranks, [intersections, labels].
    """
    inside = ((cells >= 0) & (cells < sharpest)).all(axis=1)
    ranks, sizes = np.unique(cells[inside], axis=0, return_counts=True)
    ranks, sizes = ranks[sizes > more_than], sizes[sizes > more_than]
    if not len(ranks):
        return ranks
    distance = np.abs(sizes - np.median(sizes))
    return ranks[np.lexsort((ranks.sum(axis=1), distance))]


def _spread_out(ranking: np.ndarray) -> np.ndarray:
    """Reorders [intersections, labels]: the next one is the first that shares fewest plateaus with all before.

    Plateaus are counted by how often they were used already, so that leaf runs start from other values of
    every factor for as long as there are any.
    """
    left, order = list(range(len(ranking))), []
    uses = np.zeros((ranking.shape[1], ranking.max(initial=0) + 1), np.int64)
    columns = np.arange(ranking.shape[1])
    while left:
        shared = uses[columns, ranking[left]].sum(axis=1)
        best = left.pop(int(np.argmin(shared)))
        uses[columns, ranking[best]] += 1
        order.append(best)
    return ranking[order]


def _cells(label: np.ndarray, staircase: Staircase, trim: float) -> np.ndarray:
    """Each image's plateau as its rank in sharpness, int64 [n]; -1 where it lies in none that may be chosen."""
    values = np.sort(label)
    cells = np.full(len(label), -1, np.int64)
    for rank, plateau in enumerate(staircase.ranked()):
        cut = int(plateau.size * trim)
        low, high = values[plateau.start + cut], values[plateau.stop - 1 - cut]
        cells[(label >= low) & (label <= high)] = rank
    return cells
