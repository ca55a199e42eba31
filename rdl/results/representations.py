"""A trained model as functions of observations, for metrics; each image is encoded once for all metrics."""

from collections.abc import Callable

import numpy as np

from rdl.data import ImageSet
from rdl.metrics import ground_truth
from rdl.models.saving.saved import TrainedModel
from third_party.disentanglement_lib.evaluation.metrics.sampling import EncodedStates

_FEW_IMAGES = 100_000
REPRESENTATIONS = ("mean", "sampled")

Function = Callable[[np.ndarray], np.ndarray]


class Representations:
    """Posterior means and samples of a model; deterministic data is encoded once for all metrics.

    Args:
      model: the trained model.
      images: images with factors.

    Attributes:
      data: the ground-truth data that metrics draw observations from.
      points: the labelled images and their factors.
    """

    def __init__(self, model: TrainedModel, images: ImageSet):
        def posterior(observations: np.ndarray) -> np.ndarray:
            found = model.posterior(observations)
            return np.concatenate([np.asarray(found.loc), np.asarray(found.log_variance)], axis=1)

        self.data, self._posterior, self.points = ground_truth.prepare_points(images, posterior)
        if isinstance(self.data, EncodedStates) and len(images) <= _FEW_IMAGES:
            # Encode in bulk, since metrics draw a few at a time. Some combinations of factors may have no image.
            self._posterior(self.data.states(images.factors(images.labelled()).T))

    def make_encoder(self, name: str, seed: int) -> Function:
        """Observations -> representation [n, latents]: the posterior means, or samples with noise from the seed."""
        random = np.random.RandomState(seed)

        def mean(observations: np.ndarray) -> np.ndarray:
            return np.split(self._posterior(observations), 2, axis=-1)[0]

        def sampled(observations: np.ndarray) -> np.ndarray:
            means, log_variances = np.split(self._posterior(observations), 2, axis=-1)
            noise = random.standard_normal(means.shape).astype(means.dtype)
            return means + np.exp(0.5 * log_variances) * noise

        return {"mean": mean, "sampled": sampled}[name]
