"""What a population maximises: UDR without labels, MIG with them.

A score is a function of the trained models' posteriors at some of the data set's images. It is built from gin
and called as ``score(encode, images, seed)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gin
import numpy as np

from rdl.config.ranges import Bins, Points
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.posterior import UDR_INACTIVE_KL, mean_kl_to_prior
from rdl.recursion import LeafLabels
from rdl.scoring import agreement, chance, leaf_mig
from rdl.seeds import generator
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


def check(score: Score | None, images: ImageSet, models: int) -> None:
    """Whether a member of so many models can be scored on these images: told before the first image, not after it.

    Asks the score's own ``check(images, models)``, where it has one.

    Raises:
      UserError: says what the score lacks.
    """
    if (own := getattr(score, "check", None)) is not None:
        own(images, models)


def name_of(score: Score | None) -> str:
    """What a population maximises, in a word or two: the score's own ``name``, where it has one, else its class's."""
    if score is None:
        return "negative loss"
    return getattr(score, "name", type(score).__name__.removesuffix("Score"))


@gin.configurable
class UDRScore:
    """Unsupervised disentanglement ranking (Duan et al., arXiv 1905.12614): how alike the member's models are.

    Args:
      points: images compared.
      correlation: ``lasso`` or ``spearman``.
      kl_threshold: latents with a mean KL at or below it are left out, nats.
      mode: ``fixed`` scores 0 where no latent is active; ``dlib`` cannot score such a model.
      min_active: a model with fewer active latents scores 0. UDR is 0.9 for any models of one latent that agree, more
        than most of several reach; 1, the reference's, lets them win.
      chance_corrected: scores (udr - chance) / (reachable - chance) of each model, where chance is the UDR of the same
        models with their active latents rotated at random and reachable that of a model beside its own copy (see
        ``chance``). Models with one active latent score 0, so a leaf run that has one factor left ends before it:
        ``leaf_run/population.min_score = -1`` lets it go on.
      rotations: how many of them chance is the mean of.
      replication: scores how many latents the other models found again, the sum of the agreement over latents where
        UDR has the mean, so that a model that lost its latents is not preferred (see `agreement`; no paper's).

    Raises:
      UserError: no such correlation or mode, or two corrections at once.
    """

    def __init__(
        self,
        points: Points = 1000,
        correlation: str = "lasso",
        kl_threshold: float = UDR_INACTIVE_KL,
        mode: str = "fixed",
        min_active: int = 1,
        chance_corrected: bool = False,
        rotations: int = 10,
        replication: bool = False,
    ):
        if correlation not in ("lasso", "spearman") or mode not in ("fixed", "dlib"):
            raise UserError(
                "UDRScore.correlation must be 'lasso' or 'spearman' and UDRScore.mode 'fixed' or 'dlib', "
                f"got {correlation!r} and {mode!r}."
            )
        if chance_corrected and replication:
            raise UserError("UDRScore.chance_corrected and UDRScore.replication are two scores: set one of them.")
        if rotations < 1:
            raise UserError(f"UDRScore.rotations must be at least 1, got {rotations}.")
        self.points, self.correlation, self.kl_threshold, self.mode = points, correlation, kl_threshold, mode
        self.min_active, self.chance_corrected, self.rotations = min_active, chance_corrected, rotations
        self.replication = replication

    @property
    def name(self) -> str:
        """Which of its three scores it is."""
        return "chance-corrected UDR" if self.chance_corrected else "found again" if self.replication else "UDR"

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' UDR scores; in the details how many latents each has in use.

        Raises:
          UserError: a single model, or in mode ``dlib`` one without an active latent.
        """
        means, kl = _draw(encode, images, seed, self.points)
        self.check(images, len(means))
        try:
            scores = udr.score(means, kl, self.correlation, self.kl_threshold, mode=self.mode)
        except ValueError as error:
            raise UserError(f"{error} (UDRScore.mode)") from error
        active = np.sum(kl > self.kl_threshold, axis=1)
        found = scores["model_scores"]
        details = {
            "pairwise_udr": scores["pairwise_disentanglement_scores"][..., 0].tolist(),
            "active_latents": active.tolist(),
        }
        if self.chance_corrected:
            by_chance = chance.of_rotated(means, kl, self.correlation, self.kl_threshold, seed, self.rotations)
            most = chance.reachable(means, kl, self.correlation, self.kl_threshold)
            details |= {"udr": found.tolist(), "udr_by_chance": by_chance.tolist(), "udr_reachable": most.tolist()}
            found = chance.corrected(found, by_chance, most)
        if self.replication:
            details["udr"] = found.tolist()
            agreed = agreement.agreement(means, kl, self.kl_threshold)
            everyone = np.ones((len(means), len(means)), bool)
            found = agreement.replication(agreed, np.ones(kl.shape), everyone)
        per_model = np.where(active < self.min_active, 0.0, found)
        return Scored(float(per_model.mean()), per_model.tolist(), kl.tolist(), details)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses a single model."""
        if models < 2:
            raise UserError("UDR compares a member's models with each other: set population.models = 2 or more, got 1.")


@gin.configurable
class MIGScore:
    """Mutual information gap with the true factors (Chen et al., arXiv 1802.04942), from binned means.

    Args:
      points: drawn with replacement; the reference takes 50,000, disentanglement_lib 10,000.
      num_bins: equal-width bins per latent.
    """

    def __init__(self, points: Points = 50_000, num_bins: Bins = 20):
        self.points, self.num_bins = points, num_bins

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' MIG."""
        labelled = images.labelled()
        indices = labelled[generator(seed, "score").integers(len(labelled), size=self.points)]
        means, log_variances = encode_distinct(encode, indices)
        factors = images.factors(indices)
        per_model = [mig.score(codes, factors, self.num_bins, mode="fixed")["discrete_mig"] for codes in means]
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist())

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses images whose factors are not known."""
        images.labelled()


@gin.configurable
class LeafMIGScore:
    """Leaf MIG: how well single latents match the labels that leaf runs learned (see ``leaf_mig``).

    Args:
      leaves: labels of the leaf runs.
      points: at most so many images of every iteration are encoded.
      seed: of these images. They are drawn here and not when scoring, so that workers are sent the labels of few.
    """

    def __init__(self, leaves: Sequence[LeafLabels] = (), points: Points = 50_000, *, seed: int = 0):
        self.leaves, self._indices = leaf_mig.sample(leaves, points, seed)

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' leaf MIG, on the images drawn before: this seed changes nothing."""
        means, log_variances = encode(self._indices)
        results = [leaf_mig.score(codes, self.leaves, self._indices) for codes in means]
        per_model = [float(result["leaf_mig"]) for result in results]
        details = {"leaf_mig": [{key: result[key] for key in ("per_leaf", "per_column")} for result in results]}
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist(), details)


def _draw(encode: Encode, images: ImageSet, seed: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [models, n, latents] of distinct random images (all, where there are fewer) and their mean KL."""
    indices = generator(seed, "score").permutation(len(images))[:points]
    means, log_variances = encode(np.sort(indices))
    return means, mean_kl_to_prior(means, log_variances)


def encode_distinct(encode: Encode, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors at indices that may repeat, each distinct image encoded once."""
    distinct, places = np.unique(indices, return_inverse=True)
    means, log_variances = encode(distinct)
    return means[:, places], log_variances[:, places]
