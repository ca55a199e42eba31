"""Few labelled images: the only labels that a score or a loss with few labels uses."""

from collections.abc import Sequence

import numpy as np

from rdl.data.images import ImageSet
from rdl.errors import UserError
from rdl.seeds import generator


class Labelled:
    """Draws labelled images.

    Args:
      labels: number of labelled images, drawn without replacement.
      factors: names of the labelled factors; None: all.

    Raises:
      UserError: fewer than two labels, or no factor.
    """

    def __init__(self, labels: int, factors: Sequence[str] | None = None):
        if labels < 2 or (factors is not None and not factors):
            raise UserError(f"Expected at least two labelled images and one factor, got {labels} and {factors}.")
        self.labels, self.factors = labels, factors

    def draw(self, images: ImageSet, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the labelled images in ascending order, [labels], and their factors, [labels, factors].

        Raises:
          UserError: more labels than images, an unknown factor, or a data set without factors.
        """
        labelled = images.labelled()
        if self.labels > len(labelled):
            raise UserError(
                f"Expected at least {self.labels} images with labels in {images.name!r}, got {len(labelled)}: "
                "set fewer labels."
            )
        indices = np.sort(labelled[generator(seed, "labels").permutation(len(labelled))[: self.labels]])
        factors = images.factors(indices)
        if self.factors is None:
            return indices, factors
        space = images.factor_space
        return indices, factors[:, space.columns(self.factors) if space else []]
