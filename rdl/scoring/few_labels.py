"""Scores with the true factors of few images: model selection with as many labels as a person can provide.

Locatello et al., Disentangling Factors of Variation Using Few Labels, ICLR 2020 (arXiv 1905.01258), select models by
such scores with 100 and 1,000 labelled images. The labelled images are drawn once per stage, from the seed of its
scores: all members of all generations are scored on the same images.
"""

from collections.abc import Sequence

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.data import ImageSet
from rdl.data.labelled import Labelled
from rdl.errors import UserError, in_one_line
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import derive
from third_party.disentanglement_lib.evaluation.metrics import dci, mig


@gin.configurable
class FewLabelsMIGScore:
    """MIG (Chen et al., arXiv 1802.04942) on a fixed number of labelled images.

    Args:
      labels: number of labelled images.
      factors: names of the labelled factors; None: all.
      num_bins: equal-width bins per latent. With few points in many bins, mutual information is overestimated by the
        same amount for all latents.
    """

    def __init__(self, labels: int = 100, factors: Sequence[str] | None = None, num_bins: Bins = 20):
        self._labelled, self.num_bins = Labelled(labels, factors), num_bins

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' MIG."""
        indices, factors, continuous = _draw(self._labelled, images, seed)
        means, log_variances = encode(indices)
        try:
            per_model = [
                mig.score(codes, factors, self.num_bins, "fixed", continuous)["discrete_mig"] for codes in means
            ]
        except ValueError as error:
            raise UserError(f"{in_one_line(error)} (FewLabelsMIGScore)") from error
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist())

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses unknown factors, and fewer images than labels."""
        self._labelled.draw(images, 0)


@gin.configurable
class DCIScore:
    """DCI disentanglement (Eastwood and Williams, ICLR 2018) on a fixed number of labelled images.

    Trees predict each factor from the latents; the score is high if each latent is important for one factor only. It
    needs no test set, so the trees learn from all labelled images.

    Args:
      labels: number of labelled images.
      factors: names of the labelled factors; None: all.
      backend: ``sklearn``, exact; or ``lightgbm`` (an optional dependency), faster with slightly different scores.
    """

    def __init__(self, labels: int = 1000, factors: Sequence[str] | None = None, backend: str = "sklearn"):
        if backend not in ("sklearn", "lightgbm"):
            raise UserError(f"DCIScore.backend must be 'sklearn' or 'lightgbm', got {backend!r}.")
        self._labelled, self.backend = Labelled(labels, factors), backend

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' DCI disentanglement; completeness is in the details."""
        indices, factors, continuous = _draw(self._labelled, images, seed)
        means, log_variances = encode(indices)
        trees = derive(seed, "labels", "trees")
        try:
            scores = [
                dci.score(
                    codes, factors, codes, factors, trees,
                    mode="fixed", backend=self.backend, continuous_factors=continuous,
                )
                for codes in means
            ]  # fmt: skip
        except ValueError as error:
            raise UserError(f"{in_one_line(error)} (DCIScore)") from error
        per_model = [each["disentanglement"] for each in scores]
        details = {"completeness": [each["completeness"] for each in scores]}
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist(), details)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses unknown factors, fewer images than labels, and a single factor.

        With one factor that varies, the importances of every latent are all that factor's: any model scores 1.
        """
        _, factors = self._labelled.draw(images, 0)
        varying = int(np.sum(factors.max(axis=0) > factors.min(axis=0)))
        if varying < 2:
            raise UserError(
                f"DCIScore compares factors and needs two that vary among the labelled images, got {varying}: use "
                "FewLabelsMIGScore."
            )


def _draw(labelled: Labelled, images: ImageSet, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The labelled images, their factors [labels, factors] and which factors are continuous, bool [factors]."""
    indices, factors = labelled.draw(images, seed)
    space = images.factor_space
    columns = slice(None) if labelled.factors is None or space is None else space.columns(labelled.factors)
    continuous = find_continuous_columns(images)[columns]
    if continuous.any():
        factors = np.where(continuous, images.factor_values(indices)[:, columns], factors)
    return indices, factors, continuous
