"""Disentanglement, completeness and informativeness (DCI).

Eastwood and Williams, A Framework for the Quantitative Evaluation of Disentangled Representations, ICLR 2018,
section 2, with the importances of gradient boosted trees as in disentanglement_lib. R[i, j] is the importance
of latent i for factor j: disentanglement is 1 - the entropy of a latent's row, completeness 1 - the entropy
of a factor's column, each averaged by importance; informativeness is the accuracy of the trees. Continuous factors,
which disentanglement_lib does not know, have regression trees, and R^2, at least 0, in place of the accuracy.
"""

import gin
import numpy as np
from scipy import stats

from third_party.disentanglement_lib.evaluation.metrics import threads, utils, validation


@gin.configurable("dci", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"])
def compute_dci(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    num_test=5000,
    batch_size=16,
    mode="dlib",
    backend="sklearn",
):
    """DCI of a representation on `num_train` and `num_test` drawn points; see `score`."""
    del artifact_dir
    mus_train, ys_train, mus_test, ys_test = utils.sample_train_test(
        ground_truth_data, representation_function, num_train, num_test, random_state, batch_size
    )
    continuous = utils.continuous_factors(ground_truth_data)
    return score(
        mus_train.T, ys_train.T, mus_test.T, ys_test.T, random_state, mode, backend, continuous_factors=continuous
    )


@gin.configurable("dci_validation", denylist=["observations", "labels", "representation_function"])
def compute_dci_on_fixed_data(
    observations,
    labels,
    representation_function,
    train_percentage=0.5,
    batch_size=100,
    mode="dlib",
    backend="sklearn",
):
    """DCI on given `observations` [n, ...] with `labels` [factors, n], of which the first part trains."""
    mus = utils.obtain_representation(observations, representation_function, batch_size)
    mus_train, mus_test = utils.split_train_test(mus, train_percentage)
    ys_train, ys_test = utils.split_train_test(labels, train_percentage)
    return score(mus_train.T, ys_train.T, mus_test.T, ys_test.T, 0, mode, backend)


def score(
    codes_train,
    factors_train,
    codes_test,
    factors_test,
    random_state=0,
    mode="dlib",
    backend="sklearn",
    workers=None,
    continuous_factors=False,
):
    """DCI of codes.

    Args:
        codes_train, codes_test: [n, latents].
        factors_train, factors_test: [n, factors].
        random_state: seed or np.random.RandomState of the trees.
        mode: "dlib", or "fixed": constant factors are left out, a single latent or factor scores 1 and not nan, and the
            values of factors need not be whole numbers.
        backend: "sklearn", exact; or "lightgbm" (an optional dependency), faster with slightly different scores.
        workers: number of threads, one factor each; one per core by default. The result does not depend on it.
        continuous_factors: a bool, or one for each factor: these are predicted by regression trees.

    Returns:
        {"informativeness_train", "informativeness_test", "disentanglement", "completeness"}: floats, and
        "backend" if it is not scikit-learn's.

    Raises:
        ValueError: arrays that are not tables of finite numbers; in mode "dlib" a factor that is constant or has
            fractions as values.
    """
    validation.check_mode(mode)
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus_train, ys_train, mus_test, ys_test = (array.T for array in arrays)
    continuous = validation.factor_mask(continuous_factors, len(ys_train))
    if mode == "fixed":
        ys_train, ys_test = validation.number_classes(ys_train, ys_test, continuous, "DCI")
        varying = validation.varying_factors(ys_train, "DCI")
        ys_train, ys_test, continuous = ys_train[varying], ys_test[varying], continuous[varying]
        mus_train, mus_test = (table.T for table in validation.moderate(mus_train.T, mus_test.T, by_latent=True)[1])
    importance, train_accuracy, test_accuracy = compute_importance_gbt(
        mus_train, ys_train, mus_test, ys_test, random_state, backend, workers, continuous
    )
    trivial = 1.0 if mode == "fixed" else np.nan
    scores = {
        "informativeness_train": train_accuracy,
        "informativeness_test": test_accuracy,
        "disentanglement": disentanglement(importance) if len(ys_train) > 1 else trivial,
        "completeness": completeness(importance) if len(mus_train) > 1 else trivial,
    }
    return scores if backend == "sklearn" else scores | {"backend": backend}


def compute_importance_gbt(
    x_train, y_train, x_test, y_test, random_state=0, backend="sklearn", workers=None, continuous_factors=False
):
    """Importances of codes [codes, n] for factors [factors, n] by one ensemble of trees per factor.

    Each factor's trees have a seed drawn from `random_state`. Factors with the most values start first, so that the
    threads end together.

    Returns:
        (importances [codes, factors], mean accuracy in training, mean accuracy in the test); of a continuous factor R^2
        in place of the accuracy.
    """
    continuous = validation.factor_mask(continuous_factors, len(y_train))
    make_model = [utils.boosted_trees(backend, regression) for regression in continuous]
    validation.reject_unclassifiable_factors(y_train, "DCI", fractions=continuous)
    for name, codes in (("training", x_train), ("test", x_test)):
        validation.reject_codes_beyond_single_precision(codes, f"DCI, {name}")
    seeds = utils.independent_seeds(random_state, len(y_train))
    inputs_train, inputs_test = np.ascontiguousarray(x_train.T), np.ascontiguousarray(x_test.T)

    def fit(factor):
        model = make_model[factor](int(seeds[factor])).fit(inputs_train, y_train[factor])
        agreement = explained_share if continuous[factor] else share_equal
        train_accuracy = agreement(y_train[factor], model.predict(inputs_train))
        test_accuracy = agreement(y_test[factor], model.predict(inputs_test))
        return np.abs(model.feature_importances_), train_accuracy, test_accuracy

    num_values = [1 if flag else len(np.unique(row)) for row, flag in zip(y_train, continuous, strict=True)]
    fits = threads.run_in_threads(fit, num_values, workers)
    importances, train_accuracies, test_accuracies = zip(*fits, strict=True)
    return np.stack(importances, axis=1), float(np.mean(train_accuracies)), float(np.mean(test_accuracies))


def share_equal(values, predicted):
    """Accuracy: the share of `values` [n] that equal `predicted` [n]."""
    return np.mean(predicted == values)


def explained_share(values, predicted):
    """R^2 of `predicted` [n] for `values` [n], at least 0; 0 for constant values."""
    values = values.astype(np.float64)
    total = np.sum(np.square(values - values.mean()))
    return max(0.0, 1.0 - np.sum(np.square(values - predicted)) / total) if total > 0.0 else 0.0


def disentanglement_per_code(importance_matrix):
    """1 - entropy of each code's row of importances [codes, factors], in base factors: [codes]."""
    return _one_less_entropy(importance_matrix.T)


def completeness_per_factor(importance_matrix):
    """1 - entropy of each factor's column of importances [codes, factors], in base codes: [factors]."""
    return _one_less_entropy(importance_matrix)


def disentanglement(importance_matrix):
    """Mean of the codes' disentanglement, weighted by their share of all importance."""
    return float(disentanglement_per_code(importance_matrix) @ _shares(importance_matrix, axis=1))


def completeness(importance_matrix):
    """Mean of the factors' completeness, weighted by their share of all importance."""
    return float(completeness_per_factor(importance_matrix) @ _shares(importance_matrix, axis=0))


def _one_less_entropy(columns):
    # 1e-11 as in the original: it keeps a column of zeros a distribution
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - stats.entropy(columns + 1e-11, base=len(columns))


def _shares(importance_matrix, axis):
    if importance_matrix.sum() == 0.0:
        importance_matrix = np.ones_like(importance_matrix)
    return importance_matrix.sum(axis=axis) / importance_matrix.sum()
