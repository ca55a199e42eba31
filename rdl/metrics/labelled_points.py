"""The labelled images of a data set as points: which images, their factors, and which factors are continuous."""

from collections.abc import Sequence
from dataclasses import dataclass

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.metrics import factor_kinds, splits


@dataclass(frozen=True)
class LabelledPoints:
    """The labelled images and their factors; factors with a single value among them are left out.

    Attributes:
      indices: of the images, int64 [n].
      factors: [n, factors]: the values of continuous factors, the numbers of the values of others.
      names: of the factors.
      columns: the factors' columns in the data set.
      continuous: bool [factors].
      notes: one line each for what a user should know: factors left out, continuous factors, few points.
    """

    indices: np.ndarray
    factors: np.ndarray
    names: tuple[str, ...]
    columns: np.ndarray
    continuous: np.ndarray
    notes: tuple[str, ...]

    @property
    def num_values(self) -> list[int]:
        """Number of values of every factor; 1 for a continuous factor, which needs one tree a round."""
        return [
            1 if flag else len(np.unique(column)) for column, flag in zip(self.factors.T, self.continuous, strict=True)
        ]


@gin.configurable("labelled_points", denylist=["images"])
def read_points(images: ImageSet, continuous: Sequence[str] = (), discrete: Sequence[str] = ()) -> LabelledPoints:
    """Reads the factors of all labelled images.

    A factor is continuous if the data set says so, or if it has too many values for its points
    (`factor_kinds.find_continuous`), unless gin declares it otherwise: ``labelled_points.discrete = ("angle",)``.

    Args:
      images: with factors.
      continuous: names of factors declared continuous.
      discrete: names of factors declared discrete.

    Raises:
      UserError: the factors are unknown, or a name is.
    """
    space, indices = images.factor_space, images.labelled()
    if space is None:  # labelled() has refused such a set
        raise UserError(f"The factors of '{images.name}' are unknown: give factors with the images (docs/data.md).")
    numbers, values = images.factors(indices), images.factor_values(indices)
    known = [name for name, flag in zip(space.names, space.continuous, strict=True) if flag and name not in discrete]
    flags = factor_kinds.resolve_continuous(values, space.names, [*continuous, *known], discrete)
    varying = np.flatnonzero(values.max(axis=0) > values.min(axis=0))
    notes = []
    if constant := [name for column, name in enumerate(space.names) if column not in varying]:
        notes.append(f"factors with one value, left out: {', '.join(constant)}")
    if line := factor_kinds.describe_continuous(values, space.names, flags):
        notes.append(line)
    if warning := splits.describe_few_points(len(indices)):
        notes.append(f"warning: {warning}")
    factors = np.where(flags, values, numbers) if flags.any() else numbers
    names = tuple(space.names[column] for column in varying)
    return LabelledPoints(indices, factors[:, varying], names, varying, flags[varying], tuple(notes))


def find_continuous_columns(images: ImageSet) -> np.ndarray:
    """Recognises the data set's continuous factors from all labelled images, bool [factors]."""
    points = read_points(images)
    flags = np.zeros(images.num_factors, dtype=bool)
    flags[points.columns[points.continuous]] = True
    return flags
