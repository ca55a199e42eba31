"""Step 3 of a reduction: chooses images that share one value of every learned factor."""

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

    The sets of images to choose from are, for one label, its plateaus, the sharpest first; for several labels, the
    intersections of their `sharpest` plateaus that hold more than `more_than` images, the one nearest the median size
    first (`rank_intersections`). The set with rank `choice` is kept.

    Args:
      labels: [n, learned].
      indices: numbers of the images in the full data set, [n]; None: 0 to n - 1.
      choice: rank of the set that is kept: the leaf run's `x_peak` in its first reduction, 0 in later ones.
      sharpest: number of plateaus of each label that are intersected.
      more_than: intersections with at most this many images are dropped.
      min_images: smallest number of images to keep; with fewer the leaf run stops.
      flat_labels: for a label without a jump, "stop" ends the leaf run (the reference); "ignore" leaves the label out,
        and the run ends only if no label has a jump.
      distinct: whether choices 0, 1, 2, .. share as few plateaus as possible.
      trim: share of a plateau's images that is dropped at each of its two ends, in [0, 0.5).

    Returns:
      The record of staircases, choice and kept images, or of the reason to stop.

    Raises:
      UserError: the labels have another shape, or an option is out of its range.
      NonFiniteError: the labels hold NaN or infinity.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or not labels.shape[1]:
        raise UserError(
            f"reduce_images: expected labels [n, learned] with learned > 0, received the shape {labels.shape}."
        )
    indices = np.arange(len(labels)) if indices is None else np.asarray(indices)
    if indices.shape != labels.shape[:1]:
        raise UserError(
            f"reduce_images: expected one index per image, received {indices.shape} for labels {labels.shape}."
        )
    if flat_labels not in ("stop", "ignore"):
        raise UserError(f"reduce_images.flat_labels must be 'stop' or 'ignore', got {flat_labels!r}.")
    if not 0 <= trim < 0.5:
        raise UserError(f"reduce_images.trim must be in [0, 0.5), got {trim}.")
    if choice < 0 or sharpest < 1:
        raise UserError(f"reduce_images: expected choice >= 0 and sharpest >= 1, received {choice} and {sharpest}.")
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
    """Ranks the intersections of one plateau of each label, the one nearest their median size first.

    Of equally near ones, those with sharper plateaus come first: by the sum of their ranks, then by their ranks from
    the first label on. Each image is in one intersection at most, so there are at most n of them, and the
    sharpest^labels combinations need not be enumerated.

    Args:
      cells: rank of each image's plateau of each label, [n, labels]; -1 for none.
      sharpest: number of plateaus of each label that are intersected.
      more_than: intersections with at most this many images are dropped.

    Returns:
      Ranks of the plateaus of each intersection, [intersections, labels].
    """
    inside = ((cells >= 0) & (cells < sharpest)).all(axis=1)
    ranks, sizes = np.unique(cells[inside], axis=0, return_counts=True)
    ranks, sizes = ranks[sizes > more_than], sizes[sizes > more_than]
    if not len(ranks):
        return ranks
    distance = np.abs(sizes - np.median(sizes))
    return ranks[np.lexsort((ranks.sum(axis=1), distance))]


def _spread_out(ranking: np.ndarray) -> np.ndarray:
    """Reorders [intersections, labels] so that each shares as few plateaus as possible with those before it.

    A plateau counts as often as it was used, so that leaf runs start from different values of every factor as long as
    possible.
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
    """Returns the rank of each image's plateau, int64 [n]; -1 outside plateaus that may be chosen."""
    values = np.sort(label)
    cells = np.full(len(label), -1, np.int64)
    for rank, plateau in enumerate(staircase.ranked()):
        cut = int(plateau.size * trim)
        low, high = values[plateau.start + cut], values[plateau.stop - 1 - cut]
        cells[(label >= low) & (label <= high)] = rank
    return cells
