"""A score that knows nothing: the control for what a population gains by its score."""

import hashlib

import gin
import numpy as np

from rdl.config.ranges import Points
from rdl.data import ImageSet
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import generator


@gin.configurable
class RandomScore:
    """Scores each model with a number drawn uniformly from [0, 1), independent of the model.

    The number is derived from the seed and the model's posterior means, so that members of one generation differ and
    a resumed run repeats its scores.

    Args:
      points: images that are encoded, without replacement.
    """

    def __init__(self, points: Points = 1000):
        self.points = points

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' random numbers."""
        indices = generator(seed, "score").permutation(len(images))[: self.points]
        means, log_variances = encode(np.sort(indices))
        per_model = [_uniform(seed, codes) for codes in means]
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist())


def _uniform(seed: int, codes: np.ndarray) -> float:
    digest = hashlib.sha256(np.ascontiguousarray(codes, np.float32).tobytes()).hexdigest()
    return float(generator(seed, "random score", digest).random())
