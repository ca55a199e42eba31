"""Images that are held out of training, and the negative ELBO on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from rdl.config.ranges import Between
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.models.vae import Ensemble
from rdl.seeds import derive, generator
from rdl.training.batches import prefetch

_BATCH = 256
_MOST = 5_000  # images: their mean is exact to a few tenths of a nat, and costs less than a generation of training


@gin.configurable("held_out")
@dataclass(frozen=True)
class HeldOutSettings:
    """The share of each stage's images that its models are not trained on.

    Scores and labels still use all images: none of them trains a model.

    Attributes:
      share: of the images; 0: none.
    """

    share: Annotated[float, Between(0.0, 0.9)] = 0.0

    def split(self, size: int, seed: int, reserved: Sequence[int] | np.ndarray = ()) -> tuple[np.ndarray, np.ndarray]:
        """Splits the images 0 .. `size` - 1; the same seed gives the same split.

        Args:
          size: number of images.
          seed: of the draw.
          reserved: images that stay in the training set, such as labelled ones.

        Returns:
          (training images, held-out images), each int64, ascending.

        Raises:
          UserError: one of the two would be empty.
        """
        if not self.share:
            return np.arange(size), np.zeros(0, np.int64)
        order = generator(seed, "held out").permutation(size)
        held_out = np.sort(order[~np.isin(order, reserved)][: round(self.share * size)])
        if not 0 < len(held_out) < size:
            raise UserError(
                f"held_out.share = {self.share} must leave images on both sides of the split, got {len(held_out)} held "
                f"out of {size}: set another share, or 0."
            )
        return np.setdiff1d(np.arange(size), held_out, assume_unique=True), held_out


def held_out_losses(model: Ensemble, images: ImageSet, indices: np.ndarray, seed: int) -> list[float]:
    """The negative ELBO of each model, -E log p(x|z) + KL(q(z|x) || p(z)), mean over images, in nats per image.

    Args:
      model: the ensemble; batch norm uses its moving averages.
      images: an `ImageSet`.
      indices: of the held-out images; at most 5,000 of them are used.
      seed: of the one latent sample of each image, and of the choice of images.
    """
    if len(indices) > _MOST:
        indices = np.sort(generator(seed, "held-out images").permutation(indices)[:_MOST])
    parts = [indices[i : i + _BATCH] for i in range(0, len(indices), _BATCH)]
    noise_seed = derive(seed, "held-out noise")
    total = np.zeros(len(model))
    for number, batch in enumerate(prefetch(images.images, parts)):
        total += model.negative_elbos(batch, tf.constant([noise_seed, number])).numpy().sum(axis=1, dtype=np.float64)
    return (total / len(indices)).tolist()
