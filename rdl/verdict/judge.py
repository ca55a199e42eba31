"""Judges latents by thresholds on their evidence, calibrated on models whose factors are known (docs/verdict.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rdl.posterior import VERDICT_INACTIVE_KL
from rdl.verdict.evidence import LatentEvidence
from rdl.verdict.records import DISCRETE, LatentStatus, LatentVerdict, Verdict


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the verdict. The defaults lie on the strict side of those that benchmarks/verdict.py selects.

    Attributes:
      replication: a supported latent has at least this replication ..
      discreteness: .. and at least this discreteness, nats; or, as a factor of many values has none, ..
      continuous_replication: .. at least this replication ..
      dependence: .. and at most this dependence, nats: a rotated factor shares more with the other latents.
      lost: a latent with less replication than this and no discreteness is entangled if ..
      explained: .. other models' latents together explain at least this share of it: they encode it, but otherwise.
      overlap: from here on the latent that other models mix with an entangled one is named.
      same: a supported latent of which another explains this share repeats it.
    """

    replication: float = 0.7
    discreteness: float = DISCRETE
    continuous_replication: float = 0.75
    dependence: float = 0.11
    lost: float = 0.4
    explained: float = 0.5
    overlap: float = 0.3
    same: float = 0.5


def judge(
    evidence: Sequence[LatentEvidence], compared: int, reconstruction: float, thresholds: Thresholds = Thresholds()
) -> Verdict:
    """The verdict on a model.

    Args:
      evidence: on its latents, by number.
      compared: number of models trained apart.
      reconstruction: the result of `explained_variance`.
      thresholds: of the statuses.
    """
    statuses = {one.latent: status_of(one, thresholds) for one in evidence}
    latents = []
    for one in evidence:
        status = statuses[one.latent]
        mixed = one.overlap is not None and one.overlap >= thresholds.overlap
        latents.append(
            LatentVerdict(
                one.latent,
                status,
                one.kl,
                one.replication,
                one.explained,
                one.discreteness,
                one.dependence,
                one.mixed_with if status == LatentStatus.ENTANGLED and mixed else None,
                _repeated(one, evidence, statuses, thresholds),
            )
        )
    return Verdict(tuple(latents), compared, reconstruction)


def status_of(one: LatentEvidence, thresholds: Thresholds = Thresholds()) -> LatentStatus:
    """The status of a latent by its evidence."""
    if one.kl < VERDICT_INACTIVE_KL:
        return LatentStatus.INACTIVE
    if one.replication is None or one.explained is None:
        return LatentStatus.UNCERTAIN
    discrete = one.discreteness >= thresholds.discreteness
    independent = one.dependence <= thresholds.dependence
    if discrete and one.replication >= thresholds.replication:
        return LatentStatus.SUPPORTED
    if independent and one.replication >= thresholds.continuous_replication:
        return LatentStatus.SUPPORTED
    if not discrete and one.replication < thresholds.lost and one.explained >= thresholds.explained:
        return LatentStatus.ENTANGLED
    return LatentStatus.UNCERTAIN


def explained_variance(images: np.ndarray, decoded: np.ndarray) -> float:
    """Share of the pixels' variance over images that reconstructions explain; 0 for the best constant image.

    Args:
      images: uint8 [n, height, width, channels].
      decoded: means of the likelihood in [0, 1], of the same shape.
    """
    truth = images.astype(np.float64) / 255
    constant = np.square(truth - truth.mean(axis=0)).sum()
    return float(1 - np.square(truth - decoded).sum() / constant) if constant > 0 else 0.0


def _repeated(
    one: LatentEvidence, evidence: Sequence[LatentEvidence], statuses: dict[int, LatentStatus], thresholds: Thresholds
) -> int | None:
    """The supported latent of higher KL that carries the same factor as this supported one."""
    if one.same_as is None or one.same < thresholds.same or statuses[one.latent] != LatentStatus.SUPPORTED:
        return None
    other = evidence[one.same_as]
    higher = (other.kl, -other.latent) > (one.kl, -one.latent)
    return other.latent if statuses[other.latent] == LatentStatus.SUPPORTED and higher else None
