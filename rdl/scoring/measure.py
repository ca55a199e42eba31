"""Measures a representation on the true factors: MIG and DCI at disentanglement_lib's sizes, and MIG-sup.

Training and search never see these numbers; they are the evidence afterwards.
"""

import importlib.util
from typing import Any

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.metrics import mig_sup
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored, encode_distinct
from rdl.seeds import derive, generator
from third_party.disentanglement_lib.evaluation.metrics import dci, mig

_MOST_POINTS = 10_000_000
MEASURED_WITH = "measurement."  # the head of the keys under which a record or a summary says how its scores came about


@gin.configurable
def measure(
    codes: np.ndarray,
    factors: np.ndarray,
    num_train: int,
    seed: int,
    num_bins: Bins = 20,
    dci_backend: str = "sklearn",
) -> tuple[dict[str, float], dict[str, Any]]:
    """MIG and DCI, under disentanglement_lib's keys, and `mig_sup`; and what they depend on besides the codes.

    Args:
      codes: [points, latents].
      factors: [points, factors].
      num_train: so many of the first points train DCI's trees and give MIG; the others test the trees.
      seed: of the trees.
      num_bins: MIG's equal-width bins.
      dci_backend: ``sklearn``, exact; or ``lightgbm`` (an extra), many times faster, slightly other values.

    Returns:
      The scores; and ``num_train``, ``num_test``, ``num_bins`` and ``dci_backend``, to be kept beside them: scores
      measured with others are not comparable.
    """
    train, test = slice(None, num_train), slice(num_train, None)
    scores = mig.score(codes[train], factors[train], num_bins, mode="fixed") | dci.score(
        codes[train], factors[train], codes[test], factors[test], seed, mode="fixed", backend=dci_backend
    )
    scores.pop("backend", None)
    scores["mig_sup"] = mig_sup.score(codes[train], factors[train], num_bins)["mig_sup"]
    num_test = len(codes[test])
    settings = {"num_train": num_train, "num_test": num_test, "num_bins": num_bins, "dci_backend": dci_backend}
    if factors.shape[1] == 1:  # of one factor a latent knows nothing but that one: 1.000 by construction
        undefined = [name for name in ("disentanglement", "mig_sup") if scores.pop(name, None) is not None]
        settings["undefined"] = f"{', '.join(undefined)}: they compare factors, and there is one"
    return scores, settings


def check_measurement(images: ImageSet) -> None:
    """Whether what a run measures at its end can be measured: told before training, not after it.

    Raises:
      UserError: points that are too few, or factors of one value each.
    """
    Measurement()
    space = images.factor_space
    if space is not None and max(space.sizes, default=0) < 2:
        raise UserError(
            f"The factors of '{images.name}' have one value each, so nothing can be measured: take more values, or "
            "leave the factors out."
        )


def check_trees() -> None:
    """Looks for the trees that gin asks ``measure`` to use, and their package: before training, not after it.

    Raises:
      UserError: there are no such trees, or the package is not installed.
    """
    try:
        backend = gin.query_parameter("measure.dci_backend")
    except ValueError:  # not bound
        return
    if backend not in ("sklearn", "lightgbm"):
        raise UserError(f"measure.dci_backend must be 'sklearn' or 'lightgbm', got {backend!r}.")
    if backend == "lightgbm" and importlib.util.find_spec("lightgbm") is None:
        raise UserError(
            "measure.dci_backend = 'lightgbm' needs LightGBM: pip install lightgbm, or take scikit-learn's trees, "
            "slower and not quite the same, by --gin_bindings=\"measure.dci_backend = 'sklearn'\"."
        )


@gin.configurable
class Measurement:
    """``measure`` as a score of a member: its value is the mean MIG of the member's models.

    Args:
      num_train: points that train DCI's trees and give MIG.
      num_test: points that test the trees.
    """

    def __init__(self, num_train: int = 10_000, num_test: int = 5_000):
        if not (2 <= num_train <= _MOST_POINTS and 1 <= num_test <= _MOST_POINTS):
            raise UserError(
                f"Measurement needs 2 to {_MOST_POINTS:,} points to train on and 1 to as many to test, got num_train = "
                f"{num_train}, num_test = {num_test}."
            )
        self.num_train, self.num_test = num_train, num_test

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Measures every model on the same points.

        Returns:
          In ``details``: ``measured``, one dict a model, and ``measured_with``, how (see ``measure``), keys under
          ``measurement.``
        """
        labelled = images.labelled()
        indices = labelled[generator(seed, "measure").integers(len(labelled), size=self.num_train + self.num_test)]
        means, log_variances = encode_distinct(encode, indices)
        factors, trees = images.factors(indices), derive(seed, "measure", "trees")
        found = [measure(codes, factors, self.num_train, trees) for codes in means]
        measured = [scores for scores, _ in found]
        measured_with = {f"{MEASURED_WITH}{key}": value for key, value in found[0][1].items()}
        per_model = [scores["discrete_mig"] for scores in measured]
        kl = mean_kl_to_prior(means, log_variances).tolist()
        return Scored(float(np.mean(per_model)), per_model, kl, {"measured": measured, "measured_with": measured_with})
