"""Labels of a leaf run, which score the members of the final run."""

import os
from dataclasses import dataclass

import numpy as np

from rdl.errors import UserError
from rdl.runs import files


@dataclass(frozen=True)
class LeafLabels:
    """The labels of one leaf run by iteration.

    Attributes:
      indices: numbers of each iteration's images in the full data set, int64 [n_i]. Iteration 0 has all images, later
        iterations have the images on which the earlier factors are held fixed.
      labels: labels learned on these images, float32 [n_i, learned_i] with learned_i > 0.
      repeats: whether a label repeats the factor of an earlier iteration's label, bool [learned_i]; all False by
        default.
    """

    indices: tuple[np.ndarray, ...] = ()
    labels: tuple[np.ndarray, ...] = ()
    repeats: tuple[np.ndarray, ...] = ()

    def __post_init__(self):
        if not self.repeats:
            nothing = tuple(np.zeros(labels.shape[1], bool) for labels in self.labels)
            object.__setattr__(self, "repeats", nothing)

    def __len__(self) -> int:
        """Number of iterations."""
        return len(self.indices)

    def add(self, indices: np.ndarray, labels: np.ndarray, repeats: np.ndarray | None = None) -> "LeafLabels":
        """Returns these labels and those of one more iteration.

        Args:
          indices: distinct numbers of its images in the full data set, [n].
          labels: [n, learned].
          repeats: whether each label repeats an earlier one, bool [learned]; None: none does.

        Raises:
          UserError: the shapes do not match, an image is not among those of the previous iteration, or labels are
            constant or not finite.
        """
        indices, labels = np.asarray(indices), np.asarray(labels, np.float32)
        if indices.ndim != 1 or labels.ndim != 2 or len(indices) != len(labels) or not labels.size:
            raise UserError(
                f"LeafLabels.add: expected indices [n] and labels [n, learned], not empty, received {indices.shape} "
                f"and {labels.shape}."
            )
        if indices.dtype.kind not in "iu" or len(np.unique(indices)) < len(indices) or indices.min() < 0:
            raise UserError("LeafLabels.add: expected each image's number once, as integers from 0, received others.")
        if len(self) and not np.isin(indices, self.indices[-1]).all():
            raise UserError(
                f"LeafLabels.add: iteration {len(self)} has images that iteration {len(self) - 1} did not have: number "
                "them as in the full data set."
            )
        if not np.isfinite(labels).all() or not np.ptp(labels, axis=0).all():
            raise UserError(f"LeafLabels.add: some labels of iteration {len(self)} are constant or not finite.")
        repeats = np.zeros(labels.shape[1], bool) if repeats is None else np.asarray(repeats, bool)
        if repeats.shape != labels.shape[1:]:
            raise UserError(
                f"LeafLabels.add: expected repeats [learned] for labels {labels.shape}, received {repeats.shape}."
            )
        return LeafLabels((*self.indices, indices.astype(np.int64)), (*self.labels, labels), (*self.repeats, repeats))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the labels as .npz: `indices_0`, `labels_0`, `repeats_0`, `indices_1`, .."""
        arrays = {}
        for i, (indices, labels, repeats) in enumerate(zip(self.indices, self.labels, self.repeats, strict=True)):
            arrays |= {f"indices_{i}": indices, f"labels_{i}": labels, f"repeats_{i}": repeats}
        files.write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LeafLabels":
        """Reads a file that `save` wrote.

        Raises:
          UserError: the file is missing or holds no leaf labels.
        """
        leaf = cls()
        try:
            with open(path, "rb") as file:
                arrays = np.load(file, allow_pickle=False)
                if not isinstance(arrays, np.lib.npyio.NpzFile):
                    raise ValueError("it holds one array")
                iterations = sum(name.startswith("indices_") for name in arrays.files)
                if arrays.files and not iterations:
                    raise ValueError(f"it holds {arrays.files[0]!r}")
                for i in range(iterations):
                    leaf = leaf.add(arrays[f"indices_{i}"], arrays[f"labels_{i}"], arrays[f"repeats_{i}"])
        except Exception as error:  # zipfile and numpy raise many types for damaged files
            raise UserError(
                f"{os.fspath(path)} is not a file of leaf labels ({error}); remove it and run again."
            ) from error
        return leaf
