"""What can be told of a model's latents without labels: numbers from codes alone, and no judgement yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rdl.posterior import VERDICT_INACTIVE_KL, mean_kl_to_prior
from rdl.verdict import shares
from rdl.verdict.discreteness import gathering

POINTS = 10_000
"""Images on which it is looked at how a latent's values gather."""
COMPARED_POINTS = 2_000
"""The first of them, on which models are compared."""


@dataclass(frozen=True)
class Codes:
    """A model's posterior of some images.

    Attributes:
      means: [n, latents].
      log_variances: [n, latents].
    """

    means: np.ndarray
    log_variances: np.ndarray

    @property
    def kl(self) -> np.ndarray:
        """Mean KL to the prior, [latents], nats."""
        return mean_kl_to_prior(self.means, self.log_variances)

    @property
    def live(self) -> np.ndarray:
        """Numbers of the latents that are not dead."""
        return np.flatnonzero((self.kl >= VERDICT_INACTIVE_KL) & (np.ptp(self.means, axis=0) > 0))

    def compared(self) -> np.ndarray:
        """The live latents' means of the points on which models are compared, of variance 1, [points, live]."""
        few = self.means[:COMPARED_POINTS, self.live].astype(np.float64)
        spread = few.std(axis=0)
        return (few - few.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


@dataclass(frozen=True)
class LatentEvidence:
    """What speaks for and against one latent.

    Attributes:
      latent: its number.
      kl: mean KL to the prior, nats.
      replication: how far a single latent of a model trained apart is this one: 1 the same, 0 no more so than a
        direction at random; the median over such models; None where there is none.
      told: the share of its variance that all latents of such a model together tell, the median.
      gathering: how its values gather (`gathering`), nats.
      beside: the other latent of its own model that most shares other models' latents with it, and ..
      overlap: .. how much, 0 to 1: 0 where other models have them apart; None where there is no other latent.
      same_as: the other latent of its own model that tells most of it alone, and ..
      same: .. the share of its variance that it tells.
    """

    latent: int
    kl: float
    replication: float | None = None
    told: float | None = None
    gathering: float = 0.0
    beside: int | None = None
    overlap: float | None = None
    same_as: int | None = None
    same: float = 0.0


def of_latents(codes: Codes, others: Sequence[Codes], seed: int) -> tuple[LatentEvidence, ...]:
    """The evidence on every latent of a model, by number.

    Args:
      codes: the model's, of all points.
      others: of models trained apart from it, of at least the first `COMPARED_POINTS` points.
      seed: of what is drawn for comparison.
    """
    live, kl, own = codes.live.tolist(), codes.kl.tolist(), codes.compared()
    found = [LatentEvidence(latent, kl[latent]) for latent in range(len(kl))]
    again, told, overlap = _compare(own, [other.compared() for other in others], seed)
    among = shares.by_one(own, own)
    np.fill_diagonal(among, -1.0)
    for place, latent in enumerate(live):
        several = len(live) > 1
        found[latent] = LatentEvidence(
            latent,
            kl[latent],
            float(again[place]) if others else None,
            float(told[place]) if others else None,
            gathering(codes.means[:, latent]),
            live[overlap[place].argmax()] if several and others else None,
            float(overlap[place].max()) if several and others else None,
            live[among[place].argmax()] if several else None,
            float(max(0.0, among[place].max())),
        )
    return tuple(found)


def _compare(own: np.ndarray, others: Sequence[np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Medians over other models: found again and told, [live]; how far own latents share the other's, [live, live]."""
    live = own.shape[1]
    again, told, overlap = [np.zeros(live)], [np.zeros(live)], [np.zeros((live, live))]
    for other in others:
        ones = shares.by_one(own, other)
        best = ones.max(axis=1, initial=0.0)
        chance = shares.by_chance(own, other, seed)
        again.append((best - chance) / max(1 - chance, 0.01))
        told.append(np.maximum(shares.by_all(own, other, seed), best))
        length = np.sqrt(np.square(ones).sum(axis=1))
        unit = ones / np.where(length > 0, length, 1.0)[:, None]
        alike = unit @ unit.T
        np.fill_diagonal(alike, -1.0)
        overlap.append(alike)
    if others:
        again, told, overlap = again[1:], told[1:], overlap[1:]
    return np.median(again, axis=0), np.median(told, axis=0), np.median(overlap, axis=0)
