"""Modularity and explicitness.

Ridgeway and Mozer, Learning Deep Disentangled Embeddings With the F-Statistic Loss, arXiv 1802.05312, section
3. A latent is modular if it has information on one factor only; a factor is explicit if logistic regression separates
its values, measured by the area under the ROC curve of each value against the rest.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import logistic, utils, validation


@gin.configurable(
    "modularity_explicitness",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_modularity_explicitness(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=10000,
    num_test=5000,
    batch_size=16,
    mode="dlib",
):
    """Modularity and explicitness of a representation on `num_train` and `num_test` drawn points."""
    del artifact_dir
    mus_train, ys_train, mus_test, ys_test = utils.sample_train_test(
        ground_truth_data, representation_function, num_train, num_test, random_state, batch_size
    )
    arrays = validation.check_split(mus_train.T, ys_train.T, mus_test.T, ys_test.T)
    continuous = utils.continuous_factors(ground_truth_data)
    return _score_bins(utils.make_discretizer(arrays[0].T), *arrays, mode, continuous)  # type: ignore[call-arg]


def score(codes_train, factors_train, codes_test, factors_test, num_bins=20, mode="dlib", continuous_factors=False):
    """Modularity and explicitness of codes.

    Args:
        codes_train, codes_test: [n, latents].
        factors_train, factors_test: [n, factors].
        num_bins: equal-width bins for each latent in the mutual information.
        mode: "dlib", or "fixed": constant latents are not used in the regression, values absent from a split and
            factors that are constant in it are left out of its mean, factors' values need not be whole numbers,
            and with one factor an informative latent is modular. In mode "dlib", as in the original, a test split
            with other values than training has is matched to them in order.
        continuous_factors: a bool, or one for each factor: modularity cuts these into `num_bins` bins of equal counts.
            Explicitness is then not defined, since it classifies the values of every factor.

    Returns:
        {"modularity_score", "explicitness_score_train", "explicitness_score_test"}: floats; "undefined", the reason,
        in place of the explicitness where a factor is continuous.

    Raises:
        ValueError: arrays that are not tables of finite numbers; in mode "dlib" a latent of zero variance, or a
            factor that is constant, has fractions as values, or fewer values in the test than in training.
    """
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    bins = utils._histogram_discretize(arrays[0].T, num_bins)
    return _score_bins(bins, *arrays, mode, continuous_factors)  # type: ignore[call-arg]


def _score_bins(bins, codes_train, factors_train, codes_test, factors_test, mode, continuous_factors):
    validation.check_mode(mode)
    continuous = validation.factor_mask(continuous_factors, factors_train.shape[1])
    information = utils.discrete_mutual_info(bins, utils.bin_continuous(factors_train.T, continuous))
    single_factor = mode == "fixed" and factors_train.shape[1] == 1
    modular = float(np.mean(information.max(axis=1) > 0.0)) if single_factor else modularity(information)
    if continuous.any():
        reason = (
            f"explicitness classifies the values of a factor, and factor {int(np.argmax(continuous))} is continuous"
        )
        return {"modularity_score": modular, "undefined": reason}
    if mode == "fixed":
        _, (codes_train, codes_test) = validation.moderate(codes_train, codes_test, by_latent=True)
    mus_train, mean, stddev = utils.normalize_data(codes_train.T)
    mus_test, _, _ = utils.normalize_data(codes_test.T, mean, stddev)
    if mode == "fixed":
        live = ~validation.constant_rows(codes_train.T) & (stddev > 0.0)
        mus_train = np.where(live[:, None], mus_train, 0.0)
        mus_test = np.where(live[:, None], mus_test, 0.0)
    elif (stddev == 0.0).any():
        latent = int(np.argmin(stddev))
        raise ValueError(
            f"explicitness: expected latents that vary, received latent {latent} with standard deviation 0; "
            'leave it out or use mode="fixed"'
        )
    by_factor = _explicitness_fixed if mode == "fixed" else _explicitness_dlib
    areas = by_factor(mus_train, factors_train.T, mus_test, factors_test.T)
    return {
        "modularity_score": modular,
        "explicitness_score_train": float(np.mean(areas[0])),
        "explicitness_score_test": float(np.mean(areas[1])),
    }


def modularity(mutual_information):
    """Mean over codes of `modularity_per_code`."""
    return float(np.mean(modularity_per_code(mutual_information)))


def modularity_per_code(mutual_information):
    """1 - the squared information on factors other than a code's best, over the largest it could be: [codes].

    `mutual_information` is [codes, factors]; a code without information scores 0. nan with one factor.
    """
    squared = np.square(mutual_information)
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    with np.errstate(divide="ignore", invalid="ignore"):
        per_code = 1.0 - others / (best * (squared.shape[1] - 1.0))
    return np.where(best == 0.0, 0.0, per_code)


def explicitness_per_factor(mus_train, y_train, mus_test, y_test, factor=0):
    """Areas under the ROC curve (train, test) of a logistic regression of `y` [n] on normalised `mus` [codes,
    n].

    Errors call `y` by the name `factor`.
    """
    validation.reject_unclassifiable_factors(np.asarray(y_train)[None], "explicitness", factor)
    values, test_values = np.unique(y_train), np.unique(y_test)
    if len(test_values) < len(values):
        raise ValueError(
            f"explicitness: expected as many values in the test as in training, received factor {factor} with value "
            f'{np.setdiff1d(values, test_values)[0]} in training only; draw more points or use mode="fixed"'
        )
    train, test = _class_areas(mus_train, y_train, mus_test, y_test, test_values[: len(values)])
    return float(np.mean(train)), float(np.mean(test))


def _explicitness_dlib(mus_train, ys_train, mus_test, ys_test):
    rows = zip(ys_train, ys_test, strict=True)
    return np.transpose([explicitness_per_factor(mus_train, y, mus_test, t, i) for i, (y, t) in enumerate(rows)])


def _explicitness_fixed(mus_train, ys_train, mus_test, ys_test):
    ys_train, ys_test = validation.classes(ys_train, ys_test, "explicitness")
    varying = validation.varying_factors(ys_train, "explicitness")
    ys_train, ys_test = ys_train[varying], ys_test[varying]
    areas = ([], [])
    for y_train, y_test in zip(ys_train, ys_test, strict=True):
        for split, per_class in zip(
            areas, _class_areas(mus_train, y_train, mus_test, y_test, np.unique(y_train)), strict=True
        ):
            present = per_class[~np.isnan(per_class)]
            split.extend([np.mean(present)] if len(present) else [])
    if not areas[1]:
        raise ValueError(
            "explicitness: expected test points some of which have a value seen in training and some another, "
            "received no such factor; draw more points"
        )
    return areas


def _class_areas(mus_train, y_train, mus_test, y_test, test_values):
    """Areas [classes] in training and test, in the order of `np.unique(y_train)`; nan if a split lacks a class, or
    the rest.

    `test_values` [classes] are the test values that count as these classes.
    """
    model = logistic.LogisticRegression().fit(mus_train.T, y_train)
    return tuple(
        _areas_under_roc(model.predict_proba(mus.T), y[:, None] == values)
        for mus, y, values in ((mus_train, y_train, model.classes_), (mus_test, y_test, test_values))
    )


def _areas_under_roc(scores, positive):
    """Area under the ROC curve of every column of `scores` [n, classes] for the points `positive` [n,
    classes].

    It is the share of (positive, negative) pairs in the right order, with ties counted half, from the rank sum.
    """
    num_positive = positive.sum(axis=0)
    num_negative = len(scores) - num_positive
    rank_sums = np.array([_rank_sum(column, chosen) for column, chosen in zip(scores.T, positive.T, strict=True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        return (rank_sums - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative)


def _rank_sum(values, chosen):
    """Sum of the ranks, from 1, of the `chosen` among `values` [n]; equal values share their mean rank."""
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values[chosen], side=side) for side in ("left", "right"))
    return (np.sum(below) + np.sum(up_to) + len(below)) / 2
