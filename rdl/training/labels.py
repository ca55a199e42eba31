"""Which images have labels for an objective that learns from them, and which of these make which batch.

They are drawn once for all members and generations of a stage, by the seed of its score's points, so that no other
label is ever seen, and a score with as few labels (`rdl.scoring.few_labels`) has the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.data.formats import npz
from rdl.data.labelled import Labelled
from rdl.errors import UserError
from rdl.seeds import derive, generator
from rdl.training import batches


@dataclass(frozen=True)
class LabelledImages:
    """The images that have labels.

    Attributes:
      indices: numbers of the images, ascending, int64 [n].
      labels: in [0, 1], NaN where one is not known, float32 [n, factors].
    """

    indices: np.ndarray
    labels: np.ndarray

    def batch(self, seed: int, step: int, steps: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and labels of the images of the batches from number `step` on, each as large as the unlabelled one.

        Every epoch has each labelled image once, in a new order; so small a set has several in a batch.
        """
        rows = batches.stream(derive(seed, "labelled"), len(self.indices), step * batch_size, steps * batch_size)
        return self.indices[rows], self.labels[rows]


@gin.configurable("labels")
@dataclass(frozen=True)
class Labels:
    """Where the labels come from for an objective that learns from some.

    Attributes:
      count: how many images have labels, each drawn once; None: all that can.
      factors: names of the labelled factors, the first latent's first; None: all, in the data set's order.
      file: a npz file with labels in place of the true factors, which need not be known then: `indices`, integers [n],
        numbers of images from 0, and `labels`, numbers [n, factors], NaN where one is not known. Or what a leaf run
        learned, ``leaf_0/labels.npz`` of a run: its labels of all iterations but those that repeat an earlier one's.
    """

    count: int | None = 100
    factors: Sequence[str] | None = None
    file: str | None = None

    def draw(self, images: ImageSet, seed: int, latents: int) -> LabelledImages:
        """The labelled images: for a seed always the same.

        Args:
          images: what the model is trained on.
          seed: of the draw.
          latents: of the model, at least as many as factors.

        Raises:
          UserError: no labels, too few of them, or more factors than latents.
        """
        drawn = self._true_factors(images, seed) if self.file is None else self._of_file(Path(self.file), images, seed)
        if (factors := drawn.labels.shape[1]) > latents:
            raise UserError(
                f"Each labelled factor needs a latent of its own, and there are {factors} factors for the model's "
                f"{latents} latents: set a larger model.num_latents, or "
                + ("name fewer by labels.factors." if self.file is None else f"leave some out of {self.file}.")
            )
        return drawn

    def _true_factors(self, images: ImageSet, seed: int) -> LabelledImages:
        """Each factor by the numbers of its values, from 0 for the first to 1 for the last."""
        space = images.factor_space
        if space is None:
            raise UserError(
                f"The objective learns from labels, and the factors of '{images.name}' are not known: name a file by "
                "labels.file = 'labels.npz', or give factors with the images (docs/data.md)."
            )
        few = Labelled(len(images.labelled()) if self.count is None else self.count, self.factors)
        indices, values = few.draw(images, seed)
        sizes = [space.sizes[space.names.index(name)] for name in (self.factors or space.names)]
        return LabelledImages(indices, (values / np.maximum(np.array(sizes) - 1, 1)).astype(np.float32))

    def _of_file(self, path: Path, images: ImageSet, seed: int) -> LabelledImages:
        """Each column scaled from its least to its greatest label."""
        if self.factors is not None:
            raise UserError("labels.factors names true factors, and labels.file holds labels: leave one of them out.")
        if images.is_part:
            raise UserError(
                f"The labels in {path} are of the whole data set, and this stage trains on a part of it, whose images "
                "have other numbers: let the true factors be the labels (labels.file = None)."
            )
        values = read(path.expanduser(), len(images))
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        indices = np.flatnonzero(np.isfinite(values).any(axis=1))
        if self.count is not None:
            if not 2 <= self.count <= len(indices):
                raise UserError(
                    f"labels.count must be 2 to {len(indices)}, as {path} has labels of so many images, or None for "
                    f"all; got {self.count}."
                )
            indices = np.sort(indices[generator(seed, "labels").permutation(len(indices))[: self.count]])
        return LabelledImages(indices, ((values[indices] - low) / (high - low)).astype(np.float32))


def read(path: Path, images: int) -> np.ndarray:
    """The labels of a file as a table of all images, NaN where there is none, float64 [images, factors].

    Raises:
      UserError: no such file, or it has not the labels of images of a set of so many.
    """
    names = npz.names(path)
    endings = [name.removeprefix("indices") for name in names if name.startswith("indices")] or [""]
    columns = []
    for ending in endings:
        indices, labels = npz.load(path, f"indices{ending}"), npz.load(path, f"labels{ending}")
        fit = indices.ndim == 1 and labels.ndim == 2 and len(labels) == len(indices)
        if not fit or indices.dtype.kind not in "iu" or labels.dtype.kind not in "fiub":
            raise UserError(
                f"Expected 'indices{ending}' in {path} to be integers [n] and 'labels{ending}' numbers [n, factors], "
                f"got {indices.dtype} {list(indices.shape)} and {labels.dtype} {list(labels.shape)}."
            )
        if len(np.unique(indices)) < len(indices) or not 0 <= indices.min(initial=0) <= indices.max(initial=0) < images:
            raise UserError(
                f"'indices{ending}' in {path} must be numbers of images from 0 to {images - 1}, each once: number the "
                "images from 0, in the order of the data set."
            )
        if f"repeats{ending}" in names:
            labels = labels[:, ~npz.load(path, f"repeats{ending}").astype(bool)]
        columns.append(np.full((images, labels.shape[1]), np.nan))
        columns[-1][indices.astype(np.int64)] = labels
    table = np.concatenate(columns, axis=1)
    with np.errstate(over="ignore"):
        spans = [np.ptp(column[~np.isnan(column)]) if np.isfinite(column).any() else 0.0 for column in table.T]
    if not spans or not all(0.0 < span < np.inf for span in spans):
        raise UserError(f"Expected labels in {path} that are finite and differ in every column: leave the others out.")
    return table
