"""Which images make which pair: weak supervision draws them by factors, or a person names them.

A pair shares all but some of its factors; the model is told neither which nor their values. A batch holds pairs side by
side: rows 2i and 2i + 1 belong together.
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
class Pairs:
    """How the pairs are made for an objective that takes them.

    Attributes:
      k: a pair shares all factors but k, drawn anew for each pair; each of those gets a random value, perhaps the same.
        -1 draws for each pair how many: 1 or K, as likely, where K is 1 to as many as may change, all as likely, as
        disentanglement_lib reads -1. Factors of one value do not count.
      changing: names of the factors that may change; None: any. Those not named are shared by every pair.
      file: a npz file with `pairs`, integers [n, 2], numbers of images from 0: these pairs, and factors are not needed.
    """

    k: int = -1
    changing: Sequence[str] | None = None
    file: str | None = None

    def order(self, images: ImageSet, seed: int) -> batches.Order:
        """Batches of pairs. Every epoch has each image, or each pair of the file, once, in a new order.

        Args:
          images: what the pairs are made of.
          seed: what is drawn derives from it and the number of the epoch.

        Raises:
          UserError: neither factors nor a file, or k or the file does not fit the images.
        """
        if self.file is not None:
            given = read(Path(self.file).expanduser(), images)
            return InPairs(len(given), lambda epoch: given[batches.shuffled(seed, len(given), epoch)])
        varying, most = self._varying(images)
        labelled = images.labelled()

        def drawn(epoch: int) -> np.ndarray:
            random = generator(seed, "pairs", epoch)
            first = labelled[batches.shuffled(seed, len(labelled), epoch)]
            changing = np.zeros((len(first), images.num_factors), bool)
            changing[:, varying] = choose(len(first), len(varying), self.k, most, random)
            return np.stack([first, images.partners(first, changing, random)], axis=1)

        return InPairs(len(labelled), drawn)

    def _varying(self, images: ImageSet) -> tuple[np.ndarray, int]:
        """The factors that may change, and how many of them at once."""
        space = images.factor_space
        if space is None:
            raise UserError(
                f"The objective takes pairs of images that share factors, and those of '{images.name}' are not known: "
                "name the pairs by pairs.file = 'pairs.npz', or give factors with the images (docs/data.md)."
            )
        if unknown := set(self.changing or ()) - set(space.names):
            raise UserError(f"No factor is called {min(unknown)!r}: the factors are {', '.join(space.names)}.")
        several = [size > 1 for size in space.sizes]
        named = [self.changing is None or name in self.changing for name in space.names]
        varying = np.flatnonzero(np.logical_and(several, named))
        most = min(len(varying), sum(several) - 1)
        if most < 1:
            raise UserError(
                f"A pair differs in one factor and shares another, and '{images.name}' has {sum(several)} factors with "
                f"several values, {len(varying)} of which may change: take data with more, or set pairs.changing."
            )
        if self.k != -1 and not 1 <= self.k <= most:
            raise UserError(
                f"pairs.k must be 1 to {most}, so that a pair of '{images.name}' shares a factor, or -1 for a random "
                f"number; got {self.k}."
            )
        return varying, most


class InPairs:
    """Batches of pairs, the last image of an odd batch alone.

    Args:
      pairs: in an epoch.
      epoch: its number -> int64 [pairs, 2].
    """

    def __init__(self, pairs: int, epoch: Callable[[int], np.ndarray]):
        self._pairs, self._epoch = pairs, epoch
        self._last: tuple[int, np.ndarray] | None = None

    def __call__(self, step: int, steps: int, batch_size: int) -> np.ndarray:
        """Images of the batches from number `step` on: int64 [steps * batch_size]."""
        each = -(-batch_size // 2)
        pairs = batches.endless(self._kept, self._pairs, step * each, steps * each)
        return pairs.reshape(steps, 2 * each)[:, :batch_size].ravel()

    def _kept(self, epoch: int) -> np.ndarray:
        if self._last is None or self._last[0] != epoch:
            self._last = epoch, self._epoch(epoch)
        return self._last[1]


def choose(pairs: int, factors: int, k: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Which factors change in which pair, bool [pairs, factors]; `k` as in `Pairs`, K up to `most`."""
    number = np.full(pairs, k)
    if k == -1:
        number = np.where(random.random(pairs) < 0.5, 1, random.integers(1, most + 1, size=pairs))
    ranks = np.argsort(np.argsort(random.random((pairs, factors)), axis=1), axis=1)
    return ranks < number[:, None]


def read(path: Path, images: ImageSet) -> np.ndarray:
    """The pairs of a file, int64 [n, 2].

    Raises:
      UserError: no such file, no pairs in it, or numbers that are no images of this set.
    """
    if images.is_part:
        raise UserError(
            f"The pairs in {path} are of the whole data set, and this stage trains on a part of it, whose images have "
            "other numbers: let the pairs be drawn by factors (pairs.file = None)."
        )
    pairs = npz.load(path, "pairs")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or pairs.dtype.kind not in "iu":
        raise UserError(
            f"Expected 'pairs' in {path} to be integers of shape [n, 2], got {pairs.dtype} {list(pairs.shape)}: give "
            "two numbers of images a row."
        )
    low, high = int(pairs.min()), int(pairs.max())
    if low < 0 or high >= len(images):
        raise UserError(
            f"'pairs' in {path} must be numbers of images from 0 to {len(images) - 1}, got {low if low < 0 else high}: "
            "number the images from 0, in the order of the data set."
        )
    return pairs.astype(np.int64)
