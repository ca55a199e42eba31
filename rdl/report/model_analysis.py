"""Analysis of the final model on the images of its run: latents, factors, traversals and reconstructions."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rdl.data import ImageSet
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.models.ladder.levels import levels_of
from rdl.models.saving import saved
from rdl.posterior import VERDICT_INACTIVE_KL, encode_in_batches, mean_kl_to_prior
from rdl.report.run_records import RunRecords
from rdl.seeds import derive, generator
from third_party.disentanglement_lib.evaluation.metrics import dci, utils

POINTS = 5000
"""Number of images encoded for KL and mutual information."""
TREE_POINTS = 1000
"""Number of images that train the trees of the importances; the run's own DCI takes 10,000 and minutes."""
MIN_INFORMATION = 0.1
"""A latent is named after a factor from this share of the factor's entropy."""
VALUES = np.linspace(-2, 2, 17)
"""Values of a latent in its traversal, in standard deviations of the prior."""


@dataclass(frozen=True)
class LatentSummary:
    """One latent of the model.

    Attributes:
      number: index in the code.
      kl: mean KL to the prior, nats.
      factor: the factor with which it shares most information; None if the factors are unknown or it encodes none.
      information: mutual information with that factor over the factor's entropy, 0 to 1.
      second_information: the same for the factor that comes second.
      level: name of its level in a ladder model.
    """

    number: int
    kl: float
    factor: str | None = None
    information: float = 0.0
    second_information: float = 0.0
    level: str | None = None

    @property
    def inactive(self) -> bool:
        """Whether it encodes almost no information."""
        return self.kl < VERDICT_INACTIVE_KL

    @property
    def name(self) -> str:
        """``z3``, or ``z3 scale`` where it encodes a factor."""
        return f"z{self.number} {self.factor}" if self.factor else f"z{self.number}"


@dataclass(frozen=True)
class ModelAnalysis:
    """The final model on the images of its run.

    Attributes:
      latents: in descending order of KL.
      factors: names of the factors that vary; empty if they are unknown.
      information: I(latent; factor) / H(factor), [latents, factors], rows by latent number.
      importances: of the latents for trees that predict the factors, columns sum to 1, [latents, factors].
      traversals: latent number -> uint8 [values, images, height, width, channels].
      originals, reconstructions: uint8 [n, height, width, channels].
    """

    latents: tuple[LatentSummary, ...]
    factors: tuple[str, ...]
    information: np.ndarray
    importances: np.ndarray
    traversals: dict[int, np.ndarray]
    originals: np.ndarray
    reconstructions: np.ndarray

    @property
    def active(self) -> list[LatentSummary]:
        """The latents that are not inactive."""
        return [latent for latent in self.latents if not latent.inactive]


def analyze_model(records: RunRecords, images: ImageSet, note: Callable[[str], None]) -> ModelAnalysis:
    """Encodes, traverses and reconstructs images with the model of a run; deterministic.

    Raises:
      UserError: the model is missing or damaged, or does not fit the images.
    """
    model = saved.load_model(records.reader.paths.model)
    random = generator(0, "report")
    indices = np.sort(random.permutation(len(images))[:POINTS])
    pixels = images.images(indices)
    note(f"encoding {len(indices):,} images")
    means, log_variances = encode_in_batches(model.posterior, pixels, 500)
    kl = mean_kl_to_prior(means, log_variances)
    factors, information, importances = _measure_factors(images, indices, means, note)
    levels = levels_of(model.decoder)
    latents = tuple(
        replace(
            _summarize_latent(int(number), float(kl[number]), factors, information),
            level=levels.name_of(int(number)) if levels else None,
        )
        for number in np.argsort(-kl, kind="stable")
    )
    few = random.permutation(len(pixels))[:8]
    active = [latent.number for latent in latents if not latent.inactive]
    return ModelAnalysis(
        latents=latents,
        factors=factors,
        information=information,
        importances=importances,
        traversals=_traverse(model, means[few[:3]], active),
        originals=pixels[few],
        reconstructions=_to_uint8(model.decode(means[few])),
    )


def normalized_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(code; factor) / H(factor), [codes, factors]; codes [n, codes] in 20 equal-width bins, factors [n, factors]."""
    information = utils.discrete_mutual_info(utils.make_discretizer(codes.T, 20, None), factors.T)
    entropy = utils.discrete_entropy(factors.T)
    return np.divide(information, entropy, out=np.zeros_like(information), where=entropy > 0)


def _measure_factors(
    images: ImageSet, indices: np.ndarray, means: np.ndarray, note: Callable[[str], None]
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of the factors that vary, their information in each latent, and the importances of trees."""
    nothing = (), np.zeros((means.shape[1], 0)), np.zeros((means.shape[1], 0))
    if images.factor_space is None:
        return nothing
    labelled = np.isin(indices, images.labelled())
    indices, means = indices[labelled], means[labelled]
    factors = images.factors(indices) if len(indices) else np.zeros((1, 0))
    varying = [column for column in range(factors.shape[1]) if np.ptp(factors[:, column]) > 0]
    if not varying:
        return nothing
    factors, continuous = factors[:, varying], find_continuous_columns(images)[varying]
    note("training trees for the importances")
    mixed = generator(0, "report", "trees").permutation(len(means))
    train, test = mixed[:TREE_POINTS], mixed[TREE_POINTS : 2 * TREE_POINTS]
    test = test if len(test) else train
    known = np.ptp(factors[train], axis=0) > 0
    importances = np.zeros((means.shape[1], len(varying)))
    if known.any():
        importances[:, known], _, _ = dci.compute_importance_gbt(
            means[train].T, factors[train][:, known].T, means[test].T, factors[test][:, known].T,
            derive(0, "report"), continuous_factors=continuous[known],
        )  # fmt: skip
    names = tuple(images.factor_space.names[column] for column in varying)
    return names, normalized_information(means, utils.bin_continuous(factors.T, continuous).T), importances


def _summarize_latent(number: int, kl: float, factors: tuple[str, ...], information: np.ndarray) -> LatentSummary:
    if not factors:
        return LatentSummary(number, kl)
    row = information[number]
    best = int(np.argmax(row))
    second = float(np.sort(row)[-2]) if len(row) > 1 else 0.0
    return LatentSummary(number, kl, factors[best] if row[best] >= MIN_INFORMATION else None, float(row[best]), second)


def _traverse(model: saved.TrainedModel, bases: np.ndarray, latents: list[int]) -> dict[int, np.ndarray]:
    """Decoded images with one latent set to each of `VALUES`; the other latents keep the encoder's values."""
    frames = {}
    for latent in latents:
        codes = np.repeat(bases[None], len(VALUES), axis=0)  # [values, images, latents]
        codes[:, :, latent] = VALUES[:, None]
        decoded = _to_uint8(model.decode(codes.reshape(-1, bases.shape[1])))
        frames[latent] = decoded.reshape(*codes.shape[:2], *decoded.shape[1:])
    return frames


def _to_uint8(images: np.ndarray) -> np.ndarray:
    return np.round(images * 255).astype(np.uint8)
