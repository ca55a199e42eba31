"""Every aggregation of a score on every matrix of codes and factors.

DCI, MIG, SAP and modularity each reduce a matrix [codes, factors] to a number. Here each of these reductions is applied
to the importances of DCI, the mutual information of MIG and the accuracies of SAP.
"""

import gin
import numpy as np
from scipy.sparse import csgraph

from third_party.disentanglement_lib.evaluation.metrics import (
    dci,
    mig,
    modularity_explicitness,
    sap_score,
    utils,
    validation,
)


@gin.configurable(
    "unified_scores",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_unified_scores(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    num_test=5000,
    matrix_fns=None,
    batch_size=16,
    mode="dlib",
):
    """Unified scores of a representation; see `unified_scores`. All three matrices by default.

    With an `artifact_dir` the original also draws pictures there; here it only adds the keys "merge_<i>_<j>".
    """
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "unified scores", "they classify values")
    mus_train, ys_train, mus_test, ys_test = utils.sample_train_test(
        ground_truth_data, representation_function, num_train, num_test, random_state, batch_size
    )
    return unified_scores(mus_train, ys_train, mus_test, ys_test, matrix_fns, artifact_dir, mode)


@gin.configurable("unified_score_validation", denylist=["observations", "labels", "representation_function"])
def compute_unified_score_on_fixed_data(
    observations,
    labels,
    representation_function,
    train_percentage=0.5,
    matrix_fns=None,
    batch_size=100,
    mode="dlib",
):
    """Unified scores on given `observations` [n, ...] with `labels` [factors, n], of which the first part trains."""
    mus = utils.obtain_representation(observations, representation_function, batch_size)
    mus_train, mus_test = utils.split_train_test(mus, train_percentage)
    ys_train, ys_test = utils.split_train_test(labels, train_percentage)
    return unified_scores(mus_train, ys_train, mus_test, ys_test, matrix_fns, mode=mode)


def score(codes_train, factors_train, codes_test, factors_test, matrix_fns=None, mode="dlib"):
    """Unified scores of codes [n, latents] and discrete factors [n, factors]; see `unified_scores`."""
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus_train, ys_train, mus_test, ys_test = (array.T for array in arrays)
    return unified_scores(mus_train, ys_train, mus_test, ys_test, matrix_fns, mode=mode)


def unified_scores(mus_train, ys_train, mus_test, ys_test, matrix_fns=None, artifact_dir=None, mode="dlib"):
    """Unified scores of codes [codes, n] and factors [factors, n].

    In mode "fixed" constant factors are left out, so the keys number the other factors, and values need not be whole
    numbers.

    Returns:
        "<matrix function>.<score>": floats. The scores are "dci", "dci_disentanglement", "dci_completeness",
        "mig", "sap", "modularity" with their parts for each code or factor, "area_precision" and
        "max_precision".

    Raises:
        ValueError: one latent; in mode "fixed" fewer than two varying factors; otherwise as the metrics of matrices.
    """
    validation.check_mode(mode)
    validation.reject_single_latent(len(mus_train), "unified scores", mended=False)
    if mode == "fixed":
        ys_train, ys_test = validation.classes(ys_train, ys_test, "unified scores")
        varying = validation.varying_factors(ys_train, "unified scores")
        if len(varying) < 2:
            raise ValueError("unified scores: expected at least 2 factors that vary, received 1")
        ys_train, ys_test = ys_train[varying], ys_test[varying]
        tables = validation.moderate(*(table.T.astype(np.float64) for table in (mus_train, mus_test)))[1]
        mus_train, mus_test = (table.T for table in tables)
    scores = {}
    for matrix_fn in matrix_fns or (importance_gbt_matrix, mutual_information_matrix, accuracy_svm_matrix):
        matrix = matrix_fn(mus_train, ys_train, mus_test, ys_test)
        parts = merge_thresholds(matrix) if artifact_dir is not None else {}
        parts |= pr_curves_values(matrix)
        for aggregate in (aggregation_dci, aggregation_mig, aggregation_sap, aggregation_modularity):
            parts |= aggregate(matrix, ys_train)
        scores |= {f"{matrix_fn.__name__}.{name}": float(value) for name, value in parts.items()}
    return scores


@gin.configurable("importance_gbt_matrix", denylist=["mus_train", "ys_train", "mus_test", "ys_test"])
def importance_gbt_matrix(mus_train, ys_train, mus_test, ys_test):
    """Importances [codes, factors] of boosted trees, as in DCI."""
    return dci.compute_importance_gbt(mus_train, ys_train, mus_test, ys_test)[0]


@gin.configurable("mutual_information_matrix", denylist=["mus_train", "ys_train", "mus_test", "ys_test"])
def mutual_information_matrix(mus_train, ys_train, mus_test, ys_test):
    """Mutual information [codes, factors] with binned codes, as in MIG; the test points are not used."""
    del mus_test, ys_test
    return utils.discrete_mutual_info(utils.make_discretizer(mus_train), ys_train)


@gin.configurable("accuracy_svm_matrix", denylist=["mus_train", "ys_train", "mus_test", "ys_test"])
def accuracy_svm_matrix(mus_train, ys_train, mus_test, ys_test):
    """Test accuracies [codes, factors] of linear SVMs on one code, as in SAP."""
    return sap_score.compute_score_matrix(mus_train, ys_train, mus_test, ys_test, continuous_factors=False)


def aggregation_dci(matrix, ys):
    """Disentanglement and completeness of `matrix` [codes, factors], and their parts."""
    del ys
    scores = {
        "dci_disentanglement": dci.disentanglement(matrix),
        "dci_completeness": dci.completeness(matrix),
        "dci": dci.disentanglement(matrix),
    }
    scores |= {f"dci_disentanglement.code_{i}": part for i, part in enumerate(dci.disentanglement_per_code(matrix))}
    return scores | {f"dci_completeness.code_{i}": part for i, part in enumerate(dci.completeness_per_factor(matrix))}


def aggregation_mig(m, ys_train):
    """Gap between the two largest of each column of `m` [codes, factors] over the factor's entropy."""
    per_factor = mig.gaps(m, utils.discrete_entropy(ys_train))
    return {"mig": np.mean(per_factor)} | {f"mig.factor_{i}": part for i, part in enumerate(per_factor)}


def aggregation_sap(matrix, ys):
    """Gap between the two largest of each column of `matrix` [codes, factors]."""
    del ys
    second, first = np.sort(matrix, axis=0)[-2:]
    return {"sap": np.mean(first - second)} | {f"sap.factor_{i}": part for i, part in enumerate(first - second)}


def aggregation_modularity(matrix, ys):
    """Modularity of each row of `matrix` [codes, factors], and their mean."""
    del ys
    per_code = modularity_explicitness.modularity_per_code(matrix)
    return {"modularity": np.mean(per_code)} | {f"modularity.code_{i}": part for i, part in enumerate(per_code)}


def pr_curves_values(matrix):
    """Area under, and maximum of, the number of independent groups as the threshold on `matrix` falls."""
    thresholds = np.sort(matrix, axis=None)[::-1]
    groups = np.array([precision(matrix, threshold) for threshold in thresholds])
    area = np.sum((groups[:-1] + groups[1:]) * (thresholds[:-1] - thresholds[1:])) / 2
    return {"area_precision": area, "max_precision": groups.max()}


def precision(matrix, threshold):
    """Number of connected groups of codes and factors, joined by entries of `matrix` of at least `threshold`."""
    joined = (matrix >= threshold) & (matrix != 0)
    num_codes, num_factors = matrix.shape
    graph = np.zeros((num_codes + num_factors,) * 2, dtype=bool)
    graph[:num_codes, num_codes:] = joined
    _, group = csgraph.connected_components(graph, directed=False)
    return len(np.unique(group[:num_codes][joined.any(axis=1)]))


def merge_thresholds(matrix):
    """Rank of the entry of `matrix` [codes, factors], from the largest, at which two factors join one group.

    Returns:
        {"merge_<i>_<j>": float} for the pairs of factors.
    """
    num_codes, num_factors = matrix.shape
    order = np.argsort(matrix, axis=None)[::-1]
    group = list(range(num_factors)) + [None] * num_codes
    members = {i: [i] for i in range(num_factors)}
    scores = {}
    for place, (code, factor) in enumerate(zip(*np.unravel_index(order, matrix.shape), strict=True)):
        node = num_factors + int(code)
        mine, theirs = group[factor], group[node]
        if theirs is None:
            group[node] = mine
        elif mine != theirs:
            for i in members[mine]:
                for j in members[theirs]:
                    scores[f"merge_{i}_{j}"] = float(place)
            members[mine] += members.pop(theirs)
            group = [mine if g == theirs else g for g in group]
    return scores
