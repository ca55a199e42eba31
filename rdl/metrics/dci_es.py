"""DCI-ES: explicitness and size beside disentanglement and completeness (Eastwood et al. 2023, arXiv 2210.00364).

Section 4 of the paper measures the capacity that a probe needs to predict the factors from a representation. Probes of
rising capacities k_1 < .. < k_K learn to predict a factor. Let l_i be the lowest test loss of any probe up to k_i, l*
the lowest of all, first reached at k_K*, and l_b the loss of the best constant. The area under the loss-capacity curve,
its normalisation by the triangle from (k_1, l_b) to (k_K, l*), the explicitness and the size are

    area = sum_{i = 2..K*} ((l_{i-1} + l_i) / 2 - l*) (k_i - k_{i-1})
    Z    = (k_K - k_1) (l_b - l*) / 2
    E    = 1 - area / Z,                                                     mean over the factors
    S    = factors / latents.

E is 1 if the weakest probe reaches l*, 0 if the loss falls in a straight line, and close to -1 if only the strongest
probes are better than a constant; it depends on the capacities that are compared. The released code, and the paper's
tables by it, assume l* = 0 in Z and divide by (k_K - k_1) l_b / 2: `normalisation = "baseline"`. A representation from
which nothing can be learned then has E = 1.

The probes here are the paper's random forests, whose capacity is their depth: 100 trees a factor, whose importances
give D and C and whose accuracy gives I. The loss is 1 - accuracy. A forest is grown once to the greatest depth and cut
for the others: trees are grown depth first, so the part down to any depth is the same.
"""

from collections.abc import Sequence

import gin
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from third_party.disentanglement_lib.evaluation.metrics import dci, threads, utils, validation

_GIVEN = ["ground_truth_data", "representation_function", "random_state", "artifact_dir"]
DEPTHS = (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)
"""Depths of the configuration released with the paper."""


@gin.configurable("dci_es", denylist=_GIVEN)
def compute_dci_es(
    ground_truth_data,
    representation_function,
    random_state: np.random.RandomState,
    artifact_dir=None,
    num_train: int = 10_000,
    num_test: int = 5_000,
    batch_size: int = 16,
    depths: Sequence[int] = DEPTHS,
    trees: int = 100,
    normalisation: str = "lowest_loss",
) -> dict[str, float]:
    """DCI-ES of a representation on drawn points, with disentanglement_lib's interface; see `measure_dci_es`."""
    del artifact_dir
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "DCI-ES", "its forests classify values")
    codes, factors, codes_test, factors_test = utils.sample_train_test(
        ground_truth_data, representation_function, num_train, num_test, random_state, batch_size
    )
    arrays = codes.T, factors.T, codes_test.T, factors_test.T
    return measure_dci_es(*arrays, random_state, depths, trees, normalisation=normalisation)


def measure_dci_es(
    codes_train: np.ndarray,
    factors_train: np.ndarray,
    codes_test: np.ndarray,
    factors_test: np.ndarray,
    random_state: int | np.random.RandomState = 0,
    depths: Sequence[int] = DEPTHS,
    trees: int = 100,
    workers: int | None = None,
    normalisation: str = "lowest_loss",
) -> dict[str, float]:
    """DCI-ES of codes.

    Args:
      codes_train: [n, latents].
      factors_train: [n, factors], discrete; constant factors are left out.
      codes_test: [m, latents].
      factors_test: [m, factors].
      random_state: seed or generator of the forests.
      depths: depths of the probes, rising.
      trees: number of trees of a forest.
      workers: number of threads, one factor each; one thread per core by default. The result does not depend on it.
      normalisation: of the explicitness, ``lowest_loss`` (the paper's equation) or ``baseline`` (its released code).

    Returns:
      `explicitness`, at most 1; `size`; and `dci_es_disentanglement`, `dci_es_completeness` of the deepest probes'
      importances, `dci_es_informativeness`, the mean over factors of the best probe's accuracy.

    Raises:
      ValueError: arrays that are not tables of finite numbers, constant factors only, depths that do not rise, or an
        unknown normalisation.
    """
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus_train, ys_train, mus_test, ys_test = (array.T for array in arrays)
    if len(depths) < 2 or min(depths) < 1 or list(depths) != sorted(set(depths)) or trees < 1:
        raise ValueError(
            f"DCI-ES: expected at least two rising depths from 1 and a tree, received {list(depths)} and {trees}"
        )
    if normalisation not in ("lowest_loss", "baseline"):
        raise ValueError(f"normalisation: expected lowest_loss or baseline, received {normalisation!r}")
    ys_train, ys_test = validation.classes(ys_train, ys_test, "DCI-ES")
    varying = validation.varying_factors(ys_train, "DCI-ES")
    ys_train, ys_test = ys_train[varying], ys_test[varying]
    codes, codes_test = validation.moderate(mus_train.T, mus_test.T, by_latent=True)[1]
    codes, codes_test = codes.astype(np.float32), codes_test.astype(np.float32)  # as the trees see them
    seeds = utils.independent_seeds(random_state, len(ys_train))

    def probe(factor):
        train, test = ys_train[factor], ys_test[factor]
        forest = RandomForestClassifier(trees, max_depth=max(depths), random_state=int(seeds[factor]))
        forest.fit(codes, train)
        losses = [np.mean(predicted != test) for predicted in predictions(forest, codes_test, depths)]
        constant = np.mean(np.bincount(train).argmax() != test)
        return forest.feature_importances_, losses, constant

    probes = threads.run_in_threads(probe, [len(np.unique(row)) for row in ys_train], workers)
    importances = np.stack([importance for importance, _, _ in probes], axis=1)
    return {
        "dci_es_disentanglement": dci.disentanglement(importances) if len(ys_train) > 1 else 1.0,
        "dci_es_completeness": dci.completeness(importances) if codes.shape[1] > 1 else 1.0,
        "dci_es_informativeness": float(np.mean([1.0 - min(*losses, constant) for _, losses, constant in probes])),
        "explicitness": float(
            np.mean([explicitness(depths, losses, constant, normalisation) for _, losses, constant in probes])
        ),
        "size": len(ys_train) / codes.shape[1],
    }


def explicitness(
    capacities: Sequence[float], losses: Sequence[float], baseline: float, normalisation: str = "lowest_loss"
) -> float:
    """E of one factor from the losses of probes with these capacities and of the best constant.

    A probe with a higher loss than the constant counts as the constant, so that E is at least -1. By the paper's
    equation E is 0 if no probe is better than the constant, where there is no curve.
    """
    lowest = np.minimum.accumulate(np.minimum(losses, baseline))  # of any probe up to each capacity
    above = lowest - lowest[-1]
    height = baseline if normalisation == "baseline" else baseline - lowest[-1]
    triangle = 0.5 * (capacities[-1] - capacities[0]) * height
    area = np.sum(0.5 * (above[1:] + above[:-1]) * np.diff(capacities))
    return float(1.0 - area / triangle) if triangle > 0 else 0.0


def predictions(forest: RandomForestClassifier, codes: np.ndarray, depths: Sequence[int]) -> np.ndarray:
    """Predictions of the forest for codes [n, latents], float32, with its trees cut at each depth: [depths, n]."""
    likelihoods = np.zeros((len(depths), len(codes), len(forest.classes_)))
    points = np.arange(len(codes))
    for tree in (estimator.tree_ for estimator in forest.estimators_):
        shares = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
        node, depth = np.zeros(len(codes), np.int64), 0
        for i, limit in enumerate(depths):
            while depth < min(limit, tree.max_depth):
                inside = tree.children_left[node] >= 0
                goes_left = codes[points, tree.feature[node]] <= tree.threshold[node]
                below = np.where(goes_left, tree.children_left[node], tree.children_right[node])
                node, depth = np.where(inside, below, node), depth + 1
            likelihoods[i] += shares[node]
    return forest.classes_[likelihoods.argmax(axis=2)]
