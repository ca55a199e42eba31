"""DCI-ES: explicitness and size beside disentanglement and completeness (Eastwood et al. 2023, arXiv 2210.00364).

Section 4 of the paper asks how much capacity a probe needs to read the factors off a representation. Probes of rising
capacities k_1 < .. < k_K learn to predict a factor; l_i is the lowest loss on test points of any probe up to k_i, l*
the lowest of all, first reached at k_K*, and l_b the loss of the best constant. Then the area under the loss-capacity
curve, its normalisation by the triangle from (k_1, l_b) to (k_K, l*), the explicitness and the size are

    area = sum_{i = 2..K*} ((l_{i-1} + l_i) / 2 - l*) (k_i - k_{i-1})
    Z    = (k_K - k_1) (l_b - l*) / 2
    E    = 1 - area / Z,                                                     mean over the factors
    S    = factors / latents.

E is 1 where the weakest probe already reaches l*, 0 where the loss falls in a straight line, and nears -1 where only
the strongest probes are better than a constant; it depends on the capacities that are compared. The probes here are the
paper's random forests, whose capacity is their depth: 100 trees a factor, which give D and C by their importances and
I by their accuracy too. The loss is 1 - accuracy. A forest is grown once to the greatest depth and cut for the others:
a tree grown depth first is the same down to any depth.
"""

from collections.abc import Sequence

import gin
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from third_party.disentanglement_lib.evaluation.metrics import dci, utils, validation

_GIVEN = ["ground_truth_data", "representation_function", "random_state", "artifact_dir"]
DEPTHS = (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)
"""Of the configuration released with the paper."""


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
) -> dict[str, float]:
    """DCI-ES of a representation on drawn points, in disentanglement_lib's form; keys as `score`."""
    del artifact_dir
    (codes, factors), (codes_test, factors_test) = (
        utils.generate_batch_factor_code(ground_truth_data, representation_function, num, random_state, batch_size)
        for num in (num_train, num_test)
    )
    return score(codes.T, factors.T, codes_test.T, factors_test.T, random_state, depths, trees)


def score(
    codes_train: np.ndarray,
    factors_train: np.ndarray,
    codes_test: np.ndarray,
    factors_test: np.ndarray,
    random_state: int | np.random.RandomState = 0,
    depths: Sequence[int] = DEPTHS,
    trees: int = 100,
    workers: int | None = None,
) -> dict[str, float]:
    """DCI-ES of codes.

    Args:
      codes_train: [n, latents].
      factors_train: [n, factors], discrete; those of one value are left out.
      codes_test: [m, latents].
      factors_test: [m, factors].
      random_state: seed or generator of the forests.
      depths: of the probes, rising.
      trees: of a forest.
      workers: threads, one factor each; as many as cores by default. The result does not depend on it.

    Returns:
      `explicitness` in [-1, 1]; `size`; and `dci_es_disentanglement`, `dci_es_completeness` of the deepest probes'
      importances, `dci_es_informativeness`, the mean over factors of the best probe's accuracy.

    Raises:
      ValueError: arrays that are no tables of finite numbers, constant factors only, or depths that do not rise.
    """
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus_train, ys_train, mus_test, ys_test = (array.T for array in arrays)
    if len(depths) < 2 or min(depths) < 1 or list(depths) != sorted(set(depths)) or trees < 1:
        raise ValueError(
            f"DCI-ES: expected at least two rising depths from 1 and a tree, received {list(depths)} and {trees}"
        )
    ys_train, ys_test = validation.classes(ys_train, ys_test, "DCI-ES")
    varying = validation.varying_factors(ys_train, "DCI-ES")
    ys_train, ys_test = ys_train[varying], ys_test[varying]
    codes, codes_test = validation.moderate(mus_train.T, mus_test.T, by_latent=True)[1]
    codes, codes_test = codes.astype(np.float32), codes_test.astype(np.float32)  # as the trees see them
    if not hasattr(random_state, "randint"):
        random_state = np.random.RandomState(random_state)  # type: ignore[arg-type]
    seeds = utils.independent_generator(random_state).randint(2**31 - 1, size=len(ys_train))

    def probe(factor):
        train, test = ys_train[factor], ys_test[factor]
        forest = RandomForestClassifier(trees, max_depth=max(depths), random_state=int(seeds[factor]))
        forest.fit(codes, train)
        losses = [np.mean(predicted != test) for predicted in predictions(forest, codes_test, depths)]
        constant = np.mean(np.bincount(train).argmax() != test)
        return forest.feature_importances_, losses, constant

    probes = utils.each_to_its_core(probe, [len(np.unique(row)) for row in ys_train], workers)
    importances = np.stack([importance for importance, _, _ in probes], axis=1)
    return {
        "dci_es_disentanglement": dci.disentanglement(importances) if len(ys_train) > 1 else 1.0,
        "dci_es_completeness": dci.completeness(importances) if codes.shape[1] > 1 else 1.0,
        "dci_es_informativeness": float(np.mean([1.0 - min(*losses, constant) for _, losses, constant in probes])),
        "explicitness": float(np.mean([explicitness(depths, losses, constant) for _, losses, constant in probes])),
        "size": len(ys_train) / codes.shape[1],
    }


def explicitness(capacities: Sequence[float], losses: Sequence[float], baseline: float) -> float:
    """E of one factor from the losses of probes of these capacities and of the best constant.

    A probe that does worse than the constant counts as the constant, so that E is at least -1; where none does better
    there is no curve, and E is 0.
    """
    lowest = np.minimum.accumulate(np.minimum(losses, baseline))  # of any probe up to each capacity
    above = lowest - lowest[-1]
    normalisation = 0.5 * (capacities[-1] - capacities[0]) * (baseline - lowest[-1])
    area = np.sum(0.5 * (above[1:] + above[:-1]) * np.diff(capacities))
    return float(1.0 - area / normalisation) if normalisation > 0 else 0.0


def predictions(forest: RandomForestClassifier, codes: np.ndarray, depths: Sequence[int]) -> np.ndarray:
    """What the forest says of codes [n, latents], float32, with its trees cut at each of the depths: [depths, n]."""
    likelihoods = np.zeros((len(depths), len(codes), len(forest.classes_)))
    points = np.arange(len(codes))
    for tree in (estimator.tree_ for estimator in forest.estimators_):
        shares = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
        node, depth = np.zeros(len(codes), np.int64), 0
        for i, asked in enumerate(depths):
            while depth < min(asked, tree.max_depth):
                inside = tree.children_left[node] >= 0
                goes_left = codes[points, tree.feature[node]] <= tree.threshold[node]
                below = np.where(goes_left, tree.children_left[node], tree.children_right[node])
                node, depth = np.where(inside, below, node), depth + 1
            likelihoods[i] += shares[node]
    return forest.classes_[likelihoods.argmax(axis=2)]
