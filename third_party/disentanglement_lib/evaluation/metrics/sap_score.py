"""Separated attribute predictability (SAP).

Kumar et al., Variational Inference of Disentangled Latent Concepts from Unlabeled Observations, ICLR 2018,
section 3: the gap between the accuracies of the two latents that predict a factor best by themselves, averaged over
factors.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import svm, utils, validation


@gin.configurable(
    "sap_score", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"]
)
def compute_sap(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    num_test=5000,
    batch_size=16,
    continuous_factors=False,
    mode="dlib",
):
    """SAP of a representation on `num_train` and `num_test` drawn points: {"SAP_score": float}."""
    del artifact_dir
    mus, ys, mus_test, ys_test = utils.sample_train_test(
        ground_truth_data, representation_function, num_train, num_test, random_state, batch_size
    )
    continuous_factors = continuous_factors or utils.continuous_factors(ground_truth_data)
    return score(mus.T, ys.T, mus_test.T, ys_test.T, continuous_factors, mode)


@gin.configurable("sap_score_validation", denylist=["observations", "labels", "representation_function"])
def compute_sap_on_fixed_data(
    observations,
    labels,
    representation_function,
    train_percentage=0.5,
    continuous_factors=False,
    batch_size=100,
    mode="dlib",
):
    """SAP on given `observations` [n, ...] with `labels` [factors, n], of which the first part trains."""
    mus = utils.obtain_representation(observations, representation_function, batch_size)
    mus_train, mus_test = utils.split_train_test(mus, train_percentage)
    ys_train, ys_test = utils.split_train_test(labels, train_percentage)
    return score(mus_train.T, ys_train.T, mus_test.T, ys_test.T, continuous_factors, mode)


def score(codes_train, factors_train, codes_test, factors_test, continuous_factors=False, mode="dlib"):
    """SAP of codes.

    Args:
        codes_train, codes_test: [n, latents].
        factors_train, factors_test: [n, factors]. The test split is not used for continuous factors.
        continuous_factors: a bool, or one for each factor: for these the squared correlation on the training split
            replaces the test accuracy of a linear SVM.
        mode: "dlib", or "fixed": constant factors are left out, a single latent is compared with an inactive one, and
            the values of discrete factors need not be whole numbers.

    Returns:
        {"SAP_score": float}, nan in mode "dlib" if a continuous factor is constant.

    Raises:
        ValueError: arrays that are not tables of finite numbers; in mode "dlib" one latent, or a discrete factor that
            is constant or has fractions as values.
    """
    validation.check_mode(mode)
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus, ys, mus_test, ys_test = (array.T for array in arrays)
    continuous = validation.factor_mask(continuous_factors, len(ys))
    if mode == "fixed":
        ys, ys_test = validation.number_classes(ys, ys_test, continuous, "SAP")
        varying = validation.varying_factors(ys, "SAP")
        ys, ys_test, continuous = ys[varying], ys_test[varying], continuous[varying]
        tables = (table.T.astype(np.float64) for table in (mus, mus_test))
        mus, mus_test = (table.T for table in validation.moderate(*tables, by_latent=bool(continuous.all()))[1])
        if len(mus) == 1:
            mus, mus_test = (np.vstack([table, np.zeros_like(table)]) for table in (mus, mus_test))
    else:
        validation.reject_single_latent(len(mus), "SAP")
    matrix = compute_score_matrix(mus, ys, mus_test, ys_test, continuous)
    if mode == "fixed":
        matrix = np.nan_to_num(matrix, nan=0.0)  # a factor whose values are equal in double precision
    return {"SAP_score": compute_avg_diff_top_two(matrix)}


def compute_score_matrix(mus, ys, mus_test, ys_test, continuous_factors):
    """Score of each latent as the only predictor of each factor, [latents, factors].

    Codes are [latents, n], factors [factors, n]. For continuous factors the squared correlation, 0 for a
    latent with variance up to 1e-12; otherwise the accuracy on the test points of a balanced linear SVM.
    `continuous_factors` is a bool, or one for each factor.
    """
    continuous = validation.factor_mask(continuous_factors, len(ys))
    matrix = np.empty((len(mus), len(ys)))
    if continuous.any():
        matrix[:, continuous] = _squared_correlations(mus.astype(np.float64), ys[continuous].astype(np.float64))
    discrete = np.flatnonzero(~continuous)
    if len(discrete):
        validation.reject_unclassifiable_factors(ys[discrete], "SAP")
    for factor in discrete:
        matrix[:, factor] = np.mean(svm.predict(mus, ys[factor], mus_test) == ys_test[factor], axis=1)
    return matrix


def compute_avg_diff_top_two(matrix):
    """Mean over factors of the gap between the two best latents of `matrix` [latents, factors]."""
    second, first = np.sort(matrix, axis=0)[-2:]
    return float(np.mean(first - second))


def _squared_correlations(mus, ys):
    mus = mus - mus.mean(axis=1, keepdims=True)
    ys = ys - ys.mean(axis=1, keepdims=True)
    freedom = mus.shape[1] - 1
    variances = np.einsum("ln,ln->l", mus, mus) / freedom
    factor_variances = np.einsum("fn,fn->f", ys, ys) / freedom
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = (mus @ ys.T / freedom) ** 2 / np.outer(variances, factor_variances)
    return np.where(variances[:, None] > 1e-12, squared, 0.0)
