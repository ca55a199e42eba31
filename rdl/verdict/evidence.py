"""Evidence on the latents of a model, computed from codes alone, without labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rdl.posterior import VERDICT_INACTIVE_KL, mean_kl_to_prior
from rdl.verdict import shares
from rdl.verdict.dependence import pairwise_information
from rdl.verdict.discreteness import discreteness

POINTS = 10_000
"""Number of images on which the discreteness of a latent is computed."""
COMPARED_POINTS = 2_000
"""Number of images, the first of these, on which models are compared."""


@dataclass(frozen=True)
class Codes:
    """A model's posterior at some images.

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
        """Numbers of the active latents."""
        return np.flatnonzero((self.kl >= VERDICT_INACTIVE_KL) & (np.ptp(self.means, axis=0) > 0))

    def compared(self) -> np.ndarray:
        """Means of the active latents on the points where models are compared, with variance 1, [points, active]."""
        few = self.means[:COMPARED_POINTS, self.live].astype(np.float64)
        spread = few.std(axis=0)
        return (few - few.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


@dataclass(frozen=True)
class LatentEvidence:
    """Evidence for and against one latent.

    Attributes:
      latent: its number.
      kl: mean KL to the prior, nats.
      replication: share of its variance that the best single latent of another model explains, corrected for chance:
        1 for the same latent, 0 for no more than a random direction; the median over models trained apart; None where
        there are none.
      explained: share of its variance that all latents of such a model explain together, the median.
      discreteness: of its values (`rdl.verdict.discreteness`), nats.
      dependence: largest mutual information with another latent of its own model (`rdl.verdict.dependence`), nats.
      mixed_with: the other latent of this model that other models mix with it most, and ..
      overlap: .. how much, from 0, where other models separate the two, to 1; None where there is no other latent.
      same_as: the other latent of this model that explains most of its variance, and ..
      same: .. the share that it explains.
    """

    latent: int
    kl: float
    replication: float | None = None
    explained: float | None = None
    discreteness: float = 0.0
    dependence: float = 0.0
    mixed_with: int | None = None
    overlap: float | None = None
    same_as: int | None = None
    same: float = 0.0


def gather_evidence(codes: Codes, others: Sequence[Codes], seed: int) -> tuple[LatentEvidence, ...]:
    """The evidence on every latent of a model, by number.

    Args:
      codes: the model's, at all points.
      others: of models trained apart, at the first `COMPARED_POINTS` points or more.
      seed: of the random halves and rotations of the comparison.
    """
    live, kl, own = codes.live.tolist(), codes.kl.tolist(), codes.compared()
    found = [LatentEvidence(latent, kl[latent]) for latent in range(len(kl))]
    replicated, explained, overlap = _compare(own, [other.compared() for other in others], seed)
    among = shares.by_one(own, own)
    np.fill_diagonal(among, -1.0)
    shared = pairwise_information(codes.means[:, live])
    for place, latent in enumerate(live):
        several = len(live) > 1
        found[latent] = LatentEvidence(
            latent,
            kl[latent],
            float(replicated[place]) if others else None,
            float(explained[place]) if others else None,
            discreteness(codes.means[:, latent]),
            float(shared[place].max(initial=0.0)),
            live[overlap[place].argmax()] if several and others else None,
            float(overlap[place].max()) if several and others else None,
            live[among[place].argmax()] if several else None,
            float(max(0.0, among[place].max())),
        )
    return tuple(found)


def _compare(own: np.ndarray, others: Sequence[np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Medians over other models: replication and explained share, [live]; overlap of own latents, [live, live]."""
    if not others:
        live = own.shape[1]
        return np.zeros(live), np.zeros(live), np.zeros((live, live))
    replicated, explained, overlap = [], [], []
    for other in others:
        ones = shares.by_one(own, other)
        best = ones.max(axis=1, initial=0.0)
        replicated.append(shares.by_best(ones, own, other, seed))
        explained.append(np.maximum(shares.by_all(own, other, seed), best))
        length = np.sqrt(np.square(ones).sum(axis=1))
        unit = ones / np.where(length > 0, length, 1.0)[:, None]
        alike = unit @ unit.T
        np.fill_diagonal(alike, -1.0)
        overlap.append(alike)
    return np.median(replicated, axis=0), np.median(explained, axis=0), np.median(overlap, axis=0)
