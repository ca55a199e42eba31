"""Scores with the true factors of few images: what a population can do with the labels that a person has time for.

Locatello et al., Disentangling Factors of Variation Using Few Labels, ICLR 2020 (arXiv 1905.01258), choose models by
such scores with 100 and 1,000 labelled images. The labelled images are drawn once for a stage, from the seed of its
score's points: all members of all generations are scored on the same ones, as if no other had a label.
"""

from collections.abc import Sequence

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.data import ImageSet
from rdl.data.labelled import Labelled
from rdl.errors import UserError
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import derive
from third_party.disentanglement_lib.evaluation.metrics import dci, mig


@gin.configurable
class FewLabelsMIGScore:
    """MIG (Chen et al., arXiv 1802.04942) on a fixed number of labelled images.

    Args:
      labels: labelled images.
      factors: names of the labelled factors; None: all.
      num_bins: equal-width bins per latent. Mutual information of few points in many bins is too large, for every
        latent alike.
    """

    def __init__(self, labels: int = 100, factors: Sequence[str] | None = None, num_bins: Bins = 20):
        self._labelled, self.num_bins = Labelled(labels, factors), num_bins

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' MIG."""
        indices, factors = self._labelled.draw(images, seed)
        means, log_variances = encode(indices)
        try:
            per_model = [mig.score(codes, factors, self.num_bins, mode="fixed")["discrete_mig"] for codes in means]
        except ValueError as error:
            raise UserError(f"{_one_line(error)} (FewLabelsMIGScore)") from error
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist())

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses factors that are not there, and fewer images than labels."""
        self._labelled.draw(images, 0)


@gin.configurable
class DCIScore:
    """DCI disentanglement (Eastwood and Williams, ICLR 2018) on a fixed number of labelled images.

    Trees predict each factor from the latents; the score is how far each latent matters for one factor alone. It
    needs no test set, so the trees learn from all labelled images.

    Args:
      labels: labelled images.
      factors: names of the labelled factors; None: all.
      backend: ``sklearn``, exact; or ``lightgbm`` (an extra), many times faster, slightly other values.
    """

    def __init__(self, labels: int = 1000, factors: Sequence[str] | None = None, backend: str = "sklearn"):
        if backend not in ("sklearn", "lightgbm"):
            raise UserError(f"DCIScore.backend must be 'sklearn' or 'lightgbm', got {backend!r}.")
        self._labelled, self.backend = Labelled(labels, factors), backend

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' DCI disentanglement; completeness is in the details."""
        indices, factors = self._labelled.draw(images, seed)
        means, log_variances = encode(indices)
        trees = derive(seed, "labels", "trees")
        try:
            found = [
                dci.score(codes, factors, codes, factors, trees, mode="fixed", backend=self.backend) for codes in means
            ]
        except ValueError as error:
            raise UserError(f"{_one_line(error)} (DCIScore)") from error
        per_model = [scores["disentanglement"] for scores in found]
        details = {"completeness": [scores["completeness"] for scores in found]}
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist(), details)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses factors that are not there, and fewer images than labels."""
        self._labelled.draw(images, 0)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
