"""Scores that a population maximises: UDR without labels, MIG with labels.

A score is a function of the posteriors of trained models on some images of the data set. It is constructed by gin and
called as ``score(encode, images, seed)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gin
import numpy as np

from rdl.config.ranges import Bins, Points
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.posterior import UDR_INACTIVE_KL, mean_kl_to_prior
from rdl.recursion import LeafLabels
from rdl.scoring import agreement, chance, leaf_mig
from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.metrics import mig
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Maps indices [n] to posterior means and log variances, each [models, n, latents]."""


def alone(encode: Encode) -> Encode:
    """Converts the encode function of a model, which returns [n, latents], to that of a member with one model."""

    def encode_member(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means, log_variances = encode(indices)
        return means[None], log_variances[None]

    return encode_member


@dataclass(frozen=True)
class Scored:
    """The score of a member; higher is better.

    Attributes:
      score: the member's score.
      per_model: the score of each of its models; the model with the highest score represents the member afterwards.
      kl: mean KL to the prior of each model's latents in nats, [models][latents].
      details: further results as plain JSON.
    """

    score: float
    per_model: list[float]
    kl: list[list[float]]
    details: dict[str, Any] = field(default_factory=dict)


class Score(Protocol):
    """Scores the models of one member on images."""

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the score on points drawn from the seed."""
        ...


def check(score: Score | None, images: ImageSet, models: int) -> None:
    """Checks before training that members of so many models can be scored on these images.

    Calls the score's method ``check(images, models)`` if it has one.

    Raises:
      UserError: the score cannot be computed.
    """
    if (own := getattr(score, "check", None)) is not None:
        own(images, models)


def name_of(score: Score | None) -> str:
    """Short name of a score: its attribute ``name``, or the name of its class without "Score"."""
    if score is None:
        return "negative loss"
    return getattr(score, "name", type(score).__name__.removesuffix("Score"))


@gin.configurable
class UDRScore:
    """Unsupervised disentanglement ranking (Duan et al., arXiv 1905.12614): the similarity of the member's models.

    Args:
      points: number of images on which models are compared.
      correlation: ``lasso`` or ``spearman``.
      kl_threshold: latents whose mean KL is at most this are left out, nats.
      mode: ``fixed`` scores 0 if no latent is active; ``dlib`` refuses such a model.
      min_active: models with fewer active latents score 0. UDR is 0.9 for models with one active latent that agree,
        more than most models with several latents reach; 1, the reference's value, lets them win.
      chance_corrected: the score of each model is (udr - chance) / (reachable - chance), where chance is the UDR of the
        same models after random rotations of their active latents, and reachable the UDR of a model and its own copy
        (see ``chance``). Models with one active latent score 0, so a leaf run with one factor left ends early:
        ``leaf_run/population.min_score = -1`` lets it continue.
      rotations: number of random rotations that chance is averaged over.
      replication: the score is the number of latents that the other models replicate: the sum of the agreement over
        latents in place of UDR's mean, so that models with fewer latents are not preferred (see `agreement`; not from
        a paper).

    Raises:
      UserError: an unknown correlation or mode, or both corrections.
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
        """Name of the configured score."""
        return "chance-corrected UDR" if self.chance_corrected else "replication" if self.replication else "UDR"

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' UDR scores; the details hold the number of active latents of each.

        Raises:
          UserError: a single model, or in mode ``dlib`` a model without an active latent.
        """
        means, kl = _draw(encode, images, seed, self.points)
        self.check(images, len(means))
        try:
            scores = udr.score(means, kl, self.correlation, self.kl_threshold, mode=self.mode)
        except ValueError as error:
            raise UserError(f"{error} (UDRScore.mode)") from error
        active = np.sum(kl > self.kl_threshold, axis=1)
        per_model = scores["model_scores"]
        details = {
            "pairwise_udr": scores["pairwise_disentanglement_scores"][..., 0].tolist(),
            "active_latents": active.tolist(),
        }
        if self.chance_corrected:
            by_chance = chance.rotated_udr(means, kl, self.correlation, self.kl_threshold, seed, self.rotations)
            most = chance.reachable_udr(means, kl, self.correlation, self.kl_threshold)
            details |= {"udr": per_model.tolist(), "udr_by_chance": by_chance.tolist(), "udr_reachable": most.tolist()}
            per_model = chance.correct_for_chance(per_model, by_chance, most)
        if self.replication:
            details["udr"] = per_model.tolist()
            agreed = agreement.agreement(means, kl, self.kl_threshold)
            all_pairs = np.ones((len(means), len(means)), bool)
            per_model = agreement.replication(agreed, np.ones(kl.shape), all_pairs)
        per_model = np.where(active < self.min_active, 0.0, per_model)
        return Scored(float(per_model.mean()), per_model.tolist(), kl.tolist(), details)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses a single model."""
        if models < 2:
            raise UserError("UDR compares the models of a member: set population.models = 2 or more, got 1.")


@gin.configurable
class MIGScore:
    """Mutual information gap with the true factors (Chen et al., arXiv 1802.04942), from binned means.

    Args:
      points: number of points, drawn with replacement; the reference takes 50,000, disentanglement_lib 10,000.
      num_bins: equal-width bins per latent, and equal-count bins per continuous factor.
    """

    def __init__(self, points: Points = 50_000, num_bins: Bins = 20):
        self.points, self.num_bins = points, num_bins

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' MIG."""
        labelled = images.labelled()
        indices = labelled[generator(seed, "score").integers(len(labelled), size=self.points)]
        means, log_variances = _encode_distinct(encode, indices)
        factors, continuous = images.factors(indices), find_continuous_columns(images)
        per_model = [mig.score(codes, factors, self.num_bins, "fixed", continuous)["discrete_mig"] for codes in means]
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist())

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses images without factors."""
        images.labelled()


@gin.configurable
class LeafMIGScore:
    """Leaf MIG: the match of single latents with the labels learned by leaf runs (see ``leaf_mig``).

    Args:
      leaves: labels of the leaf runs.
      points: maximum number of images encoded for each iteration.
      seed: of the choice of images. They are drawn here and not when scoring, so that workers receive few labels.
    """

    def __init__(self, leaves: Sequence[LeafLabels] = (), points: Points = 50_000, *, seed: int = 0):
        self.leaves, self._indices = leaf_mig.sample(leaves, points, seed)

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' leaf MIG on the images drawn at construction; the seed has no effect."""
        means, log_variances = encode(self._indices)
        results = [leaf_mig.compute_leaf_mig(codes, self.leaves, self._indices) for codes in means]
        per_model = [float(result["leaf_mig"]) for result in results]
        details = {"leaf_mig": [{key: result[key] for key in ("per_leaf", "per_column")} for result in results]}
        return Scored(float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist(), details)


def _draw(encode: Encode, images: ImageSet, seed: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [models, n, latents] of distinct random images (all, if there are fewer) and their mean KL."""
    indices = generator(seed, "score").permutation(len(images))[:points]
    means, log_variances = encode(np.sort(indices))
    return means, mean_kl_to_prior(means, log_variances)


def _encode_distinct(encode: Encode, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors for indices with repetitions; each distinct image is encoded once."""
    distinct, places = np.unique(indices, return_inverse=True)
    means, log_variances = encode(distinct)
    return means[:, places], log_variances[:, places]
