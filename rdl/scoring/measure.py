"""Measures a representation on the true factors: MIG and DCI with disentanglement_lib's sizes, and MIG-sup.

Training and search never see these numbers; they evaluate a finished model.
"""

import importlib.util
from typing import Any

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.metrics import cost, mig_sup, splits
from rdl.metrics.labelled_points import read_points
from rdl.metrics.undefined import leave_out_undefined
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import derive, generator
from third_party.disentanglement_lib.evaluation.metrics import dci, mig, validation

_MOST_POINTS = 10_000_000
_USUAL_LATENTS = 10
MEASURED_WITH = "measurement."
"""Prefix of the keys under which a record or a summary holds the settings of a measurement."""


@gin.configurable(denylist=["continuous"])
def measure(
    codes: np.ndarray,
    factors: np.ndarray,
    num_train: int,
    seed: int,
    num_bins: Bins = 20,
    dci_backend: str = "sklearn",
    continuous: bool | np.ndarray = False,
) -> tuple[dict[str, float], dict[str, Any]]:
    """MIG and DCI under disentanglement_lib's keys, `mig_sup`, and the settings that the scores depend on.

    The points are split at random into training and test points; equal points are on the same side, and rare values on
    both (see `splits`). MIG and MIG-sup read the training points.

    Args:
      codes: [points, latents].
      factors: [points, factors]; those with one value are left out.
      num_train: number of training points; approximate if points are equal.
      seed: of the split and of the trees.
      num_bins: equal-width bins of a latent, and equal-count bins of a continuous factor.
      dci_backend: ``sklearn``, exact; or ``lightgbm`` (an optional dependency), faster with slightly different scores.
      continuous: a bool, or one for each factor.

    Returns:
      The scores; and ``num_train``, ``num_test``, ``num_bins``, ``dci_backend``, ``continuous`` (number of continuous
      factors, if there are any) and ``undefined`` (scores that are not defined, and why). Scores with other settings
      are not comparable.

    Raises:
      ValueError: arrays that are not tables of finite numbers, or constant factors only.
    """
    factors = validation.check_factors(factors, len(codes))
    varying = validation.varying_factors(factors.T, "measurement")
    mask = validation.factor_mask(continuous, factors.shape[1])[varying]
    factors = factors[:, varying]
    train, test = splits.split_distinct(codes, factors, num_train, derive(seed, "split"), mask)
    scores = mig.score(codes[train], factors[train], num_bins, mode="fixed", continuous_factors=mask) | dci.score(
        codes[train], factors[train], codes[test], factors[test], seed,
        mode="fixed", backend=dci_backend, continuous_factors=mask,
    )  # fmt: skip
    scores.pop("backend", None)
    scores["mig_sup"] = mig_sup.compute_mig_sup(codes[train], factors[train], num_bins, continuous_factors=mask)[
        "mig_sup"
    ]
    settings = {"num_train": len(train), "num_test": len(test), "num_bins": num_bins, "dci_backend": dci_backend}
    if mask.any():
        settings["continuous"] = int(mask.sum())
    scores = leave_out_undefined(scores, len(varying), codes.shape[1])
    if "undefined" in scores:
        settings["undefined"] = scores.pop("undefined")
    return scores, settings


def check_measurement(images: ImageSet) -> None:
    """Checks before training that the final measurement is possible.

    Raises:
      UserError: too few points, or factors with one value each.
    """
    Measurement()
    space = images.factor_space
    if space is not None and max(space.sizes, default=0) < 2:
        raise UserError(
            f"The factors of '{images.name}' have one value each, so nothing can be measured: take more values, or "
            "leave the factors out."
        )


def check_trees() -> None:
    """Checks before training that the trees which gin configures for ``measure`` are installed.

    Raises:
      UserError: there are no such trees, or their package is not installed.
    """
    try:
        backend = gin.query_parameter("measure.dci_backend")
    except ValueError:  # not bound
        return
    if backend not in ("sklearn", "lightgbm"):
        raise UserError(f"measure.dci_backend must be 'sklearn' or 'lightgbm', got {backend!r}.")
    if backend == "lightgbm" and importlib.util.find_spec("lightgbm") is None:
        raise UserError(
            "measure.dci_backend = 'lightgbm' needs LightGBM: pip install lightgbm, or use scikit-learn's slower "
            "trees with slightly different scores by --gin_bindings=\"measure.dci_backend = 'sklearn'\"."
        )


@gin.configurable
class Measurement:
    """``measure`` as a score of a member: the score is the mean MIG of the member's models.

    Each image is drawn at most once. A data set with fewer labelled images than points is measured on all of them, in
    the same proportion of training and test points.

    Args:
      num_train: number of points that train DCI's trees and give MIG.
      num_test: number of points that test the trees.
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
          In ``details``: ``measured``, one dict a model; ``measured_with``, the settings (see ``measure``) with keys
          under ``measurement.``; ``notes``, one line each for what the user should know.
        """
        points = read_points(images)
        chosen = generator(seed, "measure").permutation(len(points.indices))[: self.num_train + self.num_test]
        chosen.sort()
        means, log_variances = encode(points.indices[chosen])
        factors, trees = points.factors[chosen], derive(seed, "measure", "trees")
        num_train = self._num_train(len(chosen))
        measured = [measure(codes, factors, num_train, trees, continuous=points.continuous) for codes in means]
        scores = [each for each, _ in measured]
        settings = {f"{MEASURED_WITH}{key}": value for key, value in measured[0][1].items()}
        per_model = [each["discrete_mig"] for each in scores]
        kl = mean_kl_to_prior(means, log_variances).tolist()
        details = {"measured": scores, "measured_with": settings, "notes": list(points.notes)}
        return Scored(float(np.mean(per_model)), per_model, kl, details)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses images without factors."""
        images.labelled()

    def expected_seconds(self, images: ImageSet, num_latents: int = _USUAL_LATENTS) -> float:
        """Seconds that the measurement of one model may take, most of them for DCI's trees."""
        points = read_points(images)
        num_train = self._num_train(min(len(points.indices), self.num_train + self.num_test))
        try:
            backend = gin.query_parameter("measure.dci_backend")
        except ValueError:  # not bound
            backend = "sklearn"
        return cost.expected_seconds("dci", num_train, points.num_values, num_latents, backend)

    def _num_train(self, num_points: int) -> int:
        if num_points == self.num_train + self.num_test:
            return self.num_train
        return round(num_points * self.num_train / (self.num_train + self.num_test))
