"""Pairs of images for weak supervision: drawn by their factors, or read from a file.

A pair shares all factors but some; the model knows neither which factors nor their values. A batch holds pairs side by
side: rows 2i and 2i + 1 are a pair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.data.formats import npz
from rdl.errors import UserError
from rdl.seeds import generator
from rdl.training import batches


@gin.configurable("pairs")
@dataclass(frozen=True)
class PairSettings:
    """The pairs of a weakly supervised objective.

    Attributes:
      k: number of factors that change between the images of a pair. They are drawn anew for each pair, and each gets a
        random value, which may be the same again. -1: as in disentanglement_lib, drawn for each pair as 1 or K with
        equal probability, where K is uniform from 1 to the number of factors that may change. Constant factors are not
        counted.
      changing: names of the factors that may change; None: any. Every pair shares the others.
      file: an npz file with `pairs`, integers [n, 2], image indices from 0. It replaces drawn pairs and needs no
        factors.
    """

    k: int = -1
    changing: Sequence[str] | None = None
    file: str | None = None

    def order(self, images: ImageSet, seed: int) -> batches.BatchOrder:
        """Batches of pairs. Every epoch has each image, or each pair of the file, once, in a new order.

        Args:
          images: the training set.
          seed: of all draws, together with the number of the epoch.

        Raises:
          UserError: neither factors nor a file, or k or the file does not fit the images.
        """
        if self.file is not None:
            pairs = read_pairs(Path(self.file).expanduser(), images)
            return PairOrder(len(pairs), lambda epoch: pairs[batches.epoch_order(seed, len(pairs), epoch)])
        varying, most = self._varying(images)
        labelled = images.labelled()

        def drawn(epoch: int) -> np.ndarray:
            random = generator(seed, "pairs", epoch)
            first = labelled[batches.epoch_order(seed, len(labelled), epoch)]
            changing = np.zeros((len(first), images.num_factors), bool)
            changing[:, varying] = choose_changing_factors(len(first), len(varying), self.k, most, random)
            return np.stack([first, images.partners(first, changing, random)], axis=1)

        return PairOrder(len(labelled), drawn)

    def _varying(self, images: ImageSet) -> tuple[np.ndarray, int]:
        """The factors that may change, and the largest number of them that may change at once."""
        space = images.factor_space
        if space is None:
            raise UserError(
                f"The objective needs pairs of images that share factors, but the factors of '{images.name}' are "
                "unknown: set pairs.file = 'pairs.npz', or add factors to the images (docs/data.md)."
            )
        if unknown := set(self.changing or ()) - set(space.names):
            raise UserError(
                f"pairs.changing must name factors ({', '.join(space.names)}), got {min(unknown)!r}: correct the name."
            )
        several = [size > 1 for size in space.sizes]
        named = [self.changing is None or name in self.changing for name in space.names]
        varying = np.flatnonzero(np.logical_and(several, named))
        most = min(len(varying), sum(several) - 1)
        if most < 1:
            raise UserError(
                f"A pair must differ in one factor and share another, but '{images.name}' has {sum(several)} factors "
                f"that vary, {len(varying)} of which may change: use other data, or set pairs.changing."
            )
        if self.k != -1 and not 1 <= self.k <= most:
            raise UserError(
                f"pairs.k must be 1 to {most}, so that a pair of '{images.name}' shares a factor, or -1 for a random "
                f"number, got {self.k}."
            )
        return varying, most


class PairOrder:
    """Batches of pairs; the last image of an odd batch has no partner.

    Args:
      pairs: number of pairs in an epoch.
      epoch: number of an epoch -> its pairs, int64 [pairs, 2].
    """

    def __init__(self, pairs: int, epoch: Callable[[int], np.ndarray]):
        self._pairs, self._epoch = pairs, epoch
        self._last: tuple[int, np.ndarray] | None = None

    def __call__(self, step: int, steps: int, batch_size: int) -> np.ndarray:
        """Image indices of `steps` batches, from batch number `step` on: int64 [steps * batch_size]."""
        each = -(-batch_size // 2)
        pairs = batches.concatenate_epochs(self._cached, self._pairs, step * each, steps * each)
        return pairs.reshape(steps, 2 * each)[:, :batch_size].ravel()

    def _cached(self, epoch: int) -> np.ndarray:
        if self._last is None or self._last[0] != epoch:
            self._last = epoch, self._epoch(epoch)
        return self._last[1]


def choose_changing_factors(pairs: int, factors: int, k: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Draws the factors that change in each pair, bool [pairs, factors]; `k` as in `PairSettings`, K up to `most`."""
    number = np.full(pairs, k)
    if k == -1:
        number = np.where(random.random(pairs) < 0.5, 1, random.integers(1, most + 1, size=pairs))
    ranks = np.argsort(np.argsort(random.random((pairs, factors)), axis=1), axis=1)
    return ranks < number[:, None]


def read_pairs(path: Path, images: ImageSet) -> np.ndarray:
    """Reads the pairs of a file, int64 [n, 2].

    Raises:
      UserError: the file is missing or holds no pairs, or their indices are not of this set's images.
    """
    if images.is_part:
        raise UserError(
            f"The pairs in {path} are for the whole data set, but this stage trains on a subset, whose images have "
            "other indices: set pairs.file = None to draw pairs by factors."
        )
    pairs = npz.load_npz_array(path, "pairs")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or pairs.dtype.kind not in "iu":
        raise UserError(
            f"Expected 'pairs' in {path} to be integers of shape [n, 2], got {pairs.dtype} {list(pairs.shape)}: give "
            "two image indices a row."
        )
    low, high = int(pairs.min()), int(pairs.max())
    if low < 0 or high >= len(images):
        raise UserError(
            f"'pairs' in {path} must be image indices from 0 to {len(images) - 1}, got {low if low < 0 else high}: "
            "count the images from 0, in the order of the data set."
        )
    return pairs.astype(np.int64)
