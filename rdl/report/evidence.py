"""What the final model does, measured again for the page: its latents, factors, traversals, reconstructions."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rdl.data import ImageSet
from rdl.models.ladder.levels import levels_of
from rdl.models.saving import saved
from rdl.posterior import VERDICT_INACTIVE_KL, encode_in_batches, mean_kl_to_prior
from rdl.report.reading import Records
from rdl.seeds import derive, generator
from third_party.disentanglement_lib.evaluation.metrics import dci, utils

POINTS = 5000
"""Images encoded for KL and mutual information."""
TREE_POINTS = 1000
"""Images that train the trees whose importances are drawn: the run's own DCI takes 10,000, in minutes."""
NAMED = 0.1
"""A latent is named after a factor only if it holds at least this share of the factor's entropy."""
VALUES = np.linspace(-2, 2, 17)


@dataclass(frozen=True)
class Latent:
    """One coordinate of z.

    Attributes:
      number: its place in the model.
      kl: mean KL to the prior, nats.
      factor: the factor it shares most information with; None where factors are unknown or it knows none.
      share: mutual information with it over the factor's entropy, 0 to 1.
      second: the same of the factor it knows second best.
      level: of a ladder model's latent, its level's name.
    """

    number: int
    kl: float
    factor: str | None = None
    share: float = 0.0
    second: float = 0.0
    level: str | None = None

    @property
    def dead(self) -> bool:
        """Whether it carries next to no information."""
        return self.kl < VERDICT_INACTIVE_KL


@dataclass(frozen=True)
class Evidence:
    """The final model on the run's images.

    Attributes:
      latents: by KL, the highest first.
      factors: names of the factors that vary; empty where they are unknown.
      information: I(latent; factor) / H(factor), [latents, factors], latents by number.
      importances: of trees that predict a factor from the latents, columns sum to 1, [latents, factors].
      traversals: by latent number: uint8 [values, images, height, width, channels].
      originals, reconstructions: uint8 [n, height, width, channels].
    """

    latents: tuple[Latent, ...]
    factors: tuple[str, ...]
    information: np.ndarray
    importances: np.ndarray
    traversals: dict[int, np.ndarray]
    originals: np.ndarray
    reconstructions: np.ndarray


def look(records: Records, images: ImageSet, note: Callable[[str], None]) -> Evidence:
    """Encodes, traverses and reconstructs with the run's model; the same run gives the same pictures.

    Raises:
      UserError: there is no model, or it is damaged, or it does not fit the images.
    """
    model = saved.load(records.reader.paths.model)
    random = generator(0, "report")
    indices = np.sort(random.permutation(len(images))[:POINTS])
    pixels = images.images(indices)
    note(f"encoding {len(indices):,} images")
    means, log_variances = encode_in_batches(model.posterior, pixels, 500)
    kl = mean_kl_to_prior(means, log_variances)
    factors, information, importances = _know(images, indices, means, note)
    order = np.argsort(-kl, kind="stable")
    levels = levels_of(model.decoder)
    latents = tuple(
        replace(
            _latent(int(number), float(kl[number]), factors, information),
            level=levels.name_of(int(number)) if levels else None,
        )
        for number in order
    )
    few = random.permutation(len(pixels))[:8]
    alive = [latent.number for latent in latents if not latent.dead]
    return Evidence(
        latents=latents,
        factors=factors,
        information=information,
        importances=importances,
        traversals=_traverse(model, means[few[:3]], alive),
        originals=pixels[few],
        reconstructions=_as_bytes(model.decode(means[few])),
    )


def share_of_factors(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(code; factor) / H(factor), [codes, factors]; codes [n, codes] in 20 equal-width bins, factors [n, factors]."""
    information = utils.discrete_mutual_info(utils.make_discretizer(codes.T, 20, None), factors.T)
    entropy = utils.discrete_entropy(factors.T)
    return np.divide(information, entropy, out=np.zeros_like(information), where=entropy > 0)


def _know(
    images: ImageSet, indices: np.ndarray, means: np.ndarray, note: Callable[[str], None]
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of the factors that vary, what each latent knows of them, and the trees' importances."""
    nothing = np.zeros((means.shape[1], 0))
    if images.factor_space is None:
        return (), nothing, nothing
    known_here = np.isin(indices, images.labelled())
    indices, means = indices[known_here], means[known_here]
    if not len(indices):
        return (), nothing, nothing
    factors = images.factors(indices)
    varying = [column for column in range(factors.shape[1]) if np.ptp(factors[:, column]) > 0]
    if not varying:
        return (), nothing, nothing
    factors = factors[:, varying]
    note("training trees for the importances")
    mixed = generator(0, "report", "trees").permutation(len(means))
    train, test = mixed[:TREE_POINTS], mixed[TREE_POINTS : 2 * TREE_POINTS]
    known = np.ptp(factors[train], axis=0) > 0
    importances = np.zeros((means.shape[1], len(varying)))
    if known.any():
        test = test if len(test) else train
        importances[:, known], _, _ = dci.compute_importance_gbt(
            means[train].T, factors[train][:, known].T, means[test].T, factors[test][:, known].T, derive(0, "report")
        )
    names = tuple(images.factor_space.names[column] for column in varying)
    return names, share_of_factors(means, factors), importances


def _latent(number: int, kl: float, factors: tuple[str, ...], information: np.ndarray) -> Latent:
    if not factors:
        return Latent(number, kl)
    row = information[number]
    best = int(np.argmax(row))
    second = float(np.sort(row)[-2]) if len(row) > 1 else 0.0
    return Latent(number, kl, factors[best] if row[best] >= NAMED else None, float(row[best]), second)


def _traverse(model: saved.TrainedModel, bases: np.ndarray, latents: list[int]) -> dict[int, np.ndarray]:
    """Images with one latent moved over `VALUES`, the others as the encoder gives them."""
    frames = {}
    for latent in latents:
        codes = np.repeat(bases[None], len(VALUES), axis=0)  # [values, images, latents]
        codes[:, :, latent] = VALUES[:, None]
        decoded = _as_bytes(model.decode(codes.reshape(-1, bases.shape[1])))
        frames[latent] = decoded.reshape(*codes.shape[:2], *decoded.shape[1:])
    return frames


def _as_bytes(images: np.ndarray) -> np.ndarray:
    return np.round(images * 255).astype(np.uint8)
