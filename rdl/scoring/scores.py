"""What a population maximises: UDR without labels, MIG with them.

A score is a function of the trained models' posteriors at some of the data set's images. It is built from gin
and called as ``score(encode, images, seed)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.recursion import LeafLabels, kl_to_prior
from rdl.scoring import leaf_mig
from rdl.seeds import derive, generator
from third_party.disentanglement_lib.evaluation.metrics import mig
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Indices [n] -> posterior means and log variances, each [models, n, latents]."""


def alone(encode: Encode) -> Encode:
    """For a single model, whose means and log variances are each [n, latents]: as those of a member's only model."""

    def encode_member(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means, log_variances = encode(indices)
        return means[None], log_variances[None]

    return encode_member


@dataclass(frozen=True)
class Scored:
    """A member's score, higher is better.

    Attributes:
      score: of the member.
      per_model: of each of its models; the best one stands for the member afterwards.
      kl: mean KL to the prior of each model's latents in nats, [models][latents].
      details: further results, plain JSON.
    """

    score: float
    per_model: list[float]
    kl: list[list[float]]
    details: dict[str, Any] = field(default_factory=dict)


class Score(Protocol):
    """Scores the models of one member on images."""

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Scores with points drawn from the seed."""
        ...


@gin.configurable
class UDRScore:
    """Unsupervised disentanglement ranking (Duan et al., arXiv 1905.12614): how alike the member's models are.

    Args:
      points: images compared.
      correlation: ``lasso`` or ``spearman``.
      kl_threshold: latents with a mean KL at or below it are left out, nats.
      mode: ``fixed`` scores 0 where no latent is active; ``dlib`` cannot score such a model.

    Raises:
      UserError: no such correlation or mode.
    """

    def __init__(self, points: int = 1000, correlation: str = "lasso", kl_threshold: float = 0.01, mode: str = "fixed"):
        if correlation not in ("lasso", "spearman") or mode not in ("fixed", "dlib"):
            raise UserError(
                "UDRScore.correlation must be 'lasso' or 'spearman' and UDRScore.mode 'fixed' or 'dlib', "
                f"got {correlation!r} and {mode!r}."
            )
        self.points, self.correlation, self.kl_threshold, self.mode = points, correlation, kl_threshold, mode

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' UDR scores.

        Raises:
          UserError: a single model, or in mode ``dlib`` one without an active latent.
        """
        means, kl = _draw(encode, images, seed, self.points)
        if len(means) < 2:
            raise UserError("UDR compares a member's models with each other: set population.models = 2 or more, got 1.")
        try:
            scores = udr.score(means, kl, self.correlation, self.kl_threshold, mode=self.mode)
        except ValueError as error:
            raise UserError(f"{error} (UDRScore.mode)") from error
        per_model = scores["model_scores"].tolist()
        pairwise = scores["pairwise_disentanglement_scores"][..., 0].tolist()
        return Scored(float(np.mean(per_model)), per_model, kl.tolist(), {"pairwise_udr": pairwise})


@gin.configurable
class MIGScore:
    """Mutual information gap with the true factors (Chen et al., arXiv 1802.04942), from binned means.

    Args:
      points: drawn with replacement; the reference takes 50,000, disentanglement_lib 10,000.
      num_bins: equal-width bins per latent.
    """

    def __init__(self, points: int = 50_000, num_bins: int = 20):
        self.points, self.num_bins = points, num_bins

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' MIG."""
        indices = generator(seed, "score").integers(len(images), size=self.points)
        means, log_variances = encode_distinct(encode, indices)
        factors = images.factors(indices)
        per_model = [mig.score(codes, factors, self.num_bins, mode="fixed")["discrete_mig"] for codes in means]
        return Scored(float(np.mean(per_model)), per_model, mean_kl(means, log_variances).tolist())


@gin.configurable
class LeafMIGScore:
    """Leaf MIG: how well single latents match the labels that leaf runs learned (see ``leaf_mig``).

    Args:
      leaves: labels of the leaf runs.
      points: at most so many images of every iteration are encoded.
    """

    def __init__(self, leaves: Sequence[LeafLabels] = (), points: int = 50_000):
        self.leaves, self._indices = leaf_mig.sample(leaves, points, derive(0, "leaf_mig"))

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' leaf MIG, all on the same images whatever the seed."""
        means, log_variances = encode(self._indices)
        results = [leaf_mig.score(codes, self.leaves, self._indices) for codes in means]
        per_model = [float(result["leaf_mig"]) for result in results]
        details = {"leaf_mig": [{key: result[key] for key in ("per_leaf", "per_column")} for result in results]}
        return Scored(float(np.mean(per_model)), per_model, mean_kl(means, log_variances).tolist(), details)


def _draw(encode: Encode, images: ImageSet, seed: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [models, n, latents] of distinct random images (all, where there are fewer) and their mean KL."""
    indices = generator(seed, "score").permutation(len(images))[:points]
    means, log_variances = encode(np.sort(indices))
    return means, mean_kl(means, log_variances)


def encode_distinct(encode: Encode, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors at indices that may repeat, each distinct image encoded once."""
    distinct, places = np.unique(indices, return_inverse=True)
    means, log_variances = encode(distinct)
    return means[:, places], log_variances[:, places]


def mean_kl(means: np.ndarray, log_variances: np.ndarray) -> np.ndarray:
    """KL to the prior averaged over images, [models, latents], of posteriors [models, n, latents]."""
    return np.stack([kl_to_prior(*posterior) for posterior in zip(means, log_variances, strict=True)])
