"""The labelled images of a supervised objective, and their batches.

They are drawn once for all members and generations of a stage, with the seed of its score's points. So no label other
than theirs is ever used, and a score with as few labels (`rdl.scoring.few_labels`) uses the same ones.
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
    """Images with labels.

    Attributes:
      indices: of the images, ascending, int64 [n].
      labels: in [0, 1], NaN where unknown, float32 [n, factors].
    """

    indices: np.ndarray
    labels: np.ndarray

    def batch(self, seed: int, step: int, steps: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and labels of `steps` batches, from batch number `step` on.

        Every epoch has each labelled image once, in a new order. A batch may hold several epochs.
        """
        rows = batches.shuffled_stream(
            derive(seed, "labelled"), len(self.indices), step * batch_size, steps * batch_size
        )
        return self.indices[rows], self.labels[rows]


@gin.configurable("labels")
@dataclass(frozen=True)
class LabelSettings:
    """The labels that a supervised objective learns from.

    Attributes:
      count: number of labelled images, drawn without replacement; None: all images that can be labelled.
      factors: names of the labelled factors, in the order of the latents that they are assigned to; None: all factors,
        in the data set's order.
      file: an npz file whose labels replace the true factors, which may then be unknown. It has `indices`, integers
        [n], image indices from 0, and `labels`, numbers [n, factors], NaN where unknown. The labels of a leaf run have
        this form: ``leaf_0/labels.npz`` of a run. Columns that repeat an earlier iteration's are left out.
    """

    count: int | None = 100
    factors: Sequence[str] | None = None
    file: str | None = None

    def draw(self, images: ImageSet, seed: int, latents: int) -> LabelledImages:
        """Draws the labelled images; the same seed gives the same images.

        Args:
          images: the training set.
          seed: of the draw.
          latents: number of the model's latents, at least the number of factors.

        Raises:
          UserError: no labels, too few of them, or more factors than latents.
        """
        drawn = self._from_factors(images, seed) if self.file is None else self._from_file(images, seed)
        if (factors := drawn.labels.shape[1]) > latents:
            raise UserError(
                f"Each labelled factor needs its own latent, but there are {factors} factors and {latents} latents: "
                "set a larger model.num_latents, or "
                + ("name fewer in labels.factors." if self.file is None else f"remove columns from {self.file}.")
            )
        return drawn

    def _from_factors(self, images: ImageSet, seed: int) -> LabelledImages:
        """Labels each image by its factors' values.

        The values of a discrete factor are evenly spaced from 0 to 1, those of a continuous one scaled from its least
        and greatest value.
        """
        space = images.factor_space
        if space is None:
            raise UserError(
                f"A supervised objective needs labels, but the factors of '{images.name}' are unknown: set "
                "labels.file = 'labels.npz', or add factors to the images (docs/data.md)."
            )
        few = Labelled(len(images.labelled()) if self.count is None else self.count, self.factors)
        indices, numbers = few.draw(images, seed)
        columns = space.columns(self.factors or space.names)
        labels = numbers / np.maximum(np.array(space.sizes)[columns] - 1, 1)
        if (continuous := np.array(space.continuous)[columns]).any():
            values = images.factor_values(images.labelled())[:, columns]
            low, span = values.min(axis=0), np.maximum(np.ptp(values, axis=0), np.finfo(np.float64).tiny)
            labels = np.where(continuous, (images.factor_values(indices)[:, columns] - low) / span, labels)
        return LabelledImages(indices, labels.astype(np.float32))

    def _from_file(self, images: ImageSet, seed: int) -> LabelledImages:
        """Reads labels and scales each column to [0, 1]."""
        path = Path(str(self.file)).expanduser()
        if self.factors is not None:
            raise UserError("labels.factors names true factors, which labels.file replaces: set one of them to None.")
        if images.is_part:
            raise UserError(
                f"The labels in {path} are for the whole data set, but this stage trains on a subset with "
                "other indices: set labels.file = None to use the true factors."
            )
        values = read_label_table(path, len(images))
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        indices = np.flatnonzero(np.isfinite(values).any(axis=1))
        if self.count is not None:
            if not 2 <= self.count <= len(indices):
                raise UserError(
                    f"labels.count must be 2 to {len(indices)}, the number of labelled images in {path}, or None for "
                    f"all, got {self.count}."
                )
            indices = np.sort(indices[generator(seed, "labels").permutation(len(indices))[: self.count]])
        return LabelledImages(indices, ((values[indices] - low) / (high - low)).astype(np.float32))


def read_label_table(path: Path, images: int) -> np.ndarray:
    """Reads the labels of a file as a table of all images, float64 [images, factors], NaN where unknown.

    Args:
      path: an npz file, see `LabelSettings.file`.
      images: size of the data set.

    Raises:
      UserError: the file is missing, or its labels do not fit a data set of this size.
    """
    names = npz.array_names(path)
    endings = [name.removeprefix("indices") for name in names if name.startswith("indices")] or [""]
    columns = []
    for ending in endings:
        indices, labels = npz.load_npz_array(path, f"indices{ending}"), npz.load_npz_array(path, f"labels{ending}")
        fit = indices.ndim == 1 and labels.ndim == 2 and len(labels) == len(indices)
        if not fit or indices.dtype.kind not in "iu" or labels.dtype.kind not in "fiub":
            raise UserError(
                f"Expected 'indices{ending}' in {path} to be integers [n] and 'labels{ending}' numbers [n, factors], "
                f"got {indices.dtype} {list(indices.shape)} and {labels.dtype} {list(labels.shape)}."
            )
        if len(np.unique(indices)) < len(indices) or not 0 <= indices.min(initial=0) <= indices.max(initial=0) < images:
            raise UserError(
                f"'indices{ending}' in {path} must be distinct image indices from 0 to {images - 1}: count the images "
                "from 0, in the order of the data set."
            )
        if f"repeats{ending}" in names:
            labels = labels[:, ~npz.load_npz_array(path, f"repeats{ending}").astype(bool)]
        columns.append(np.full((images, labels.shape[1]), np.nan))
        columns[-1][indices.astype(np.int64)] = labels
    table = np.concatenate(columns, axis=1)
    with np.errstate(over="ignore"):
        spans = [np.ptp(column[~np.isnan(column)]) if np.isfinite(column).any() else 0.0 for column in table.T]
    if not spans or not all(0.0 < span < np.inf for span in spans):
        raise UserError(
            f"Expected every column of labels in {path} to be finite and to vary: remove the other columns."
        )
    return table
