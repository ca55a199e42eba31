"""Few images with labels: which ones, and their true factors; a score or a loss then knows no others."""

from collections.abc import Sequence

import numpy as np

from rdl.data.images import ImageSet
from rdl.errors import UserError
from rdl.seeds import generator


class Labelled:
    """The few images that have labels, and the factors that are labelled.

    Args:
      labels: how many images; each is drawn once.
      factors: names of the labelled factors; None: all.

    Raises:
      UserError: fewer than two labels, or no factor.
    """

    def __init__(self, labels: int, factors: Sequence[str] | None = None):
        if labels < 2 or (factors is not None and not factors):
            raise UserError(
                f"Few labels are of two labelled images or more and of a factor or more, got {labels} and {factors}."
            )
        self.labels, self.factors = labels, factors

    def draw(self, images: ImageSet, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the labelled images, ascending, [labels], and their factors [labels, factors].

        Raises:
          UserError: more labels than images, a factor that the data set does not have, or unknown factors.
        """
        labelled = images.labelled()
        if self.labels > len(labelled):
            raise UserError(f"There are {len(labelled)} images in {images.name!r}, too few for {self.labels} labels.")
        indices = np.sort(labelled[generator(seed, "labels").permutation(len(labelled))[: self.labels]])
        factors = images.factors(indices)
        if self.factors is None:
            return indices, factors
        names = images.factor_space.names if images.factor_space else ()
        if unknown := [name for name in self.factors if name not in names]:
            raise UserError(f"No factor is called {unknown[0]!r}: the factors are {', '.join(names)}.")
        return indices, factors[:, [names.index(name) for name in self.factors]]
