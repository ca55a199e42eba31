"""From evidence to words: three thresholds, calibrated on models whose factors are known (docs/verdict.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rdl.posterior import VERDICT_INACTIVE_KL
from rdl.verdict.evidence import LatentEvidence
from rdl.verdict.records import LatentStatus, LatentVerdict, Verdict


@dataclass(frozen=True)
class Thresholds:
    """Where one word ends and the next begins; the defaults were set by hand on the strict side of what
    benchmarks/verdict.py chooses (docs/verdict.md).

    Attributes:
      replication: a well supported latent is found again at least so well ..
      gathering: .. and its values gather at least so much, nats.
      lost: a latent that is found again less well, and does not gather, is entangled, where ..
      told: .. other models' latents together tell at least this share of it: they know it, but have it otherwise.
      overlap: the latent beside which it lies in other models' latents is named from here on.
      same: a latent of which another alone tells this share repeats it.
    """

    replication: float = 0.7
    gathering: float = 0.05
    lost: float = 0.4
    told: float = 0.5
    overlap: float = 0.3
    same: float = 0.5


def judge(
    evidence: Sequence[LatentEvidence], compared: int, reconstruction: float, thresholds: Thresholds = Thresholds()
) -> Verdict:
    """The verdict on a model.

    Args:
      evidence: on its latents, by number.
      compared: how many models trained apart there were.
      reconstruction: what `explained` returns.
      thresholds: of the words.
    """
    words = {one.latent: status_of(one, thresholds) for one in evidence}
    latents = []
    for one in evidence:
        word = words[one.latent]
        near = one.overlap is not None and one.overlap >= thresholds.overlap
        latents.append(
            LatentVerdict(
                one.latent,
                word,
                one.kl,
                one.replication,
                one.told,
                one.gathering,
                one.beside if word == LatentStatus.ENTANGLED and near else None,
                _repeated(one, evidence, words, thresholds),
            )
        )
    return Verdict(tuple(latents), compared, reconstruction)


def status_of(one: LatentEvidence, thresholds: Thresholds = Thresholds()) -> LatentStatus:
    """What a latent is called."""
    if one.kl < VERDICT_INACTIVE_KL:
        return LatentStatus.INACTIVE
    if one.replication is None or one.told is None:
        return LatentStatus.UNCERTAIN
    gathers = one.gathering >= thresholds.gathering
    if gathers and one.replication >= thresholds.replication:
        return LatentStatus.SUPPORTED
    if not gathers and one.replication < thresholds.lost and one.told >= thresholds.told:
        return LatentStatus.ENTANGLED
    return LatentStatus.UNCERTAIN


def explained(images: np.ndarray, decoded: np.ndarray) -> float:
    """The share of the pixels' variance over images that reconstructions explain; 0 what the best constant image does.

    Args:
      images: uint8 [n, height, width, channels].
      decoded: the likelihood's means in [0, 1], of the same shape.
    """
    truth = images.astype(np.float64) / 255
    constant = np.square(truth - truth.mean(axis=0)).sum()
    return float(1 - np.square(truth - decoded).sum() / constant) if constant > 0 else 0.0


def _repeated(
    one: LatentEvidence, evidence: Sequence[LatentEvidence], words: dict[int, LatentStatus], thresholds: Thresholds
) -> int | None:
    """The well supported latent of higher KL that tells this well supported one again."""
    if one.same_as is None or one.same < thresholds.same or words[one.latent] != LatentStatus.SUPPORTED:
        return None
    other = evidence[one.same_as]
    higher = (other.kl, -other.latent) > (one.kl, -one.latent)
    return other.latent if words[other.latent] == LatentStatus.SUPPORTED and higher else None
