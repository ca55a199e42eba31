"""Accuracy of predicted factors after removing the latents that are most important for one factor."""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import dci, downstream_task, utils, validation


@gin.configurable(
    "reduced_downstream_task",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_reduced_downstream_task(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_factors_to_remove=2,
    num_train=(1000,),
    num_test=5000,
    batch_size=16,
    mode="dlib",
):
    """Accuracies of gin's `predictor` on reduced representations, for each size in `num_train`; keys as `score`."""
    del artifact_dir
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "reduced downstream task", "it classifies values")
    scores = {}
    for size in num_train:
        mus_train, ys_train, mus_test, ys_test = utils.sample_train_test(
            ground_truth_data, representation_function, size, num_test, random_state, batch_size
        )
        scores |= _score_split(
            (mus_train, ys_train, mus_test, ys_test),
            num_factors_to_remove,
            compute_reduced_representation,
            utils.make_predictor_fn(),
            random_state,
            mode,
        )
    return scores


def score(
    codes_train,
    factors_train,
    codes_test,
    factors_test,
    num_factors_to_remove=2,
    predictor_fn=None,
    random_state=0,
    mode="dlib",
):
    """Accuracies without the latents most important for one factor, by DCI's importances, factor by factor.

    Args:
        codes_train, codes_test: [n, latents].
        factors_train, factors_test: [n, factors], discrete.
        num_factors_to_remove: number of latents to remove, one after the other.
        predictor_fn, random_state, mode: as for `downstream_task.score`.

    Returns:
        "<n>:reduced_factor_<i>:mean_train_accuracy_factor_<j>", "..._reduced_factor" (j = i),
        "..._non_reduced_factor" (the mean over j other than i), their means over i
        "<n>:mean_train_accuracy_reduced_factor" and "..._other_factors", and the same with "test" for
        "train": floats.

    Raises:
        ValueError: arrays that are not tables of finite numbers; no latent left; in mode "dlib" a constant factor.
    """
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    split = tuple(array.T for array in arrays)
    return _score_split(split, num_factors_to_remove, _reduce_by_dci, predictor_fn, random_state, mode)


def _score_split(split, num_to_remove, reduce, predictor_fn, random_state, mode):
    mus_train, ys_train, mus_test, ys_test = split
    if num_to_remove >= len(mus_train):
        raise ValueError(
            f"num_factors_to_remove: expected less than the {len(mus_train)} latents, received {num_to_remove}"
        )
    scores = {}
    size, factors = mus_train.shape[1], np.arange(len(ys_train))
    means = {
        f"{part}_accuracy_{which}": [] for part in ("train", "test") for which in ("reduced_factor", "other_factors")
    }
    for factor in factors:
        reduced = mus_train, mus_test
        for _ in range(num_to_remove):
            reduced = reduce(reduced[0], ys_train, reduced[1], ys_test, factor)
        results = downstream_task.accuracies(
            reduced[0], ys_train, reduced[1], ys_test, predictor_fn, random_state, mode
        )
        for part, accuracies in zip(("train", "test"), results, strict=True):
            prefix = f"{size}:reduced_factor_{factor}:mean_{part}_accuracy"
            others = float(np.mean([accuracies[i] for i in factors if i != factor])) if len(factors) > 1 else np.nan
            scores[f"{prefix}_reduced_factor"] = accuracies[factor]
            scores |= {f"{prefix}_factor_{i}": accuracies[i] for i in factors}
            scores[f"{prefix}_non_reduced_factor"] = others
            means[f"{part}_accuracy_reduced_factor"].append(accuracies[factor])
            means[f"{part}_accuracy_other_factors"].append(others)
    return scores | {f"{size}:mean_{name}": float(np.mean(values)) for name, values in means.items()}


def _reduce_by_dci(mus_train, ys_train, mus_test, ys_test, factor_of_interest):
    """The codes [latents, n] without the latent that is most important for a factor, by boosted trees.

    Only this factor's trees are grown, since those of other factors do not matter.
    """
    labels = slice(factor_of_interest, factor_of_interest + 1)
    importance, _, _ = dci.compute_importance_gbt(mus_train, ys_train[labels], mus_test, ys_test[labels])
    return _without_best(mus_train, mus_test, importance[:, 0])


def _without_best(mus_train, mus_test, importance):
    best = int(np.argmax(importance))
    return np.delete(mus_train, best, axis=0), np.delete(mus_test, best, axis=0)


@gin.configurable("reduced_representation")
def compute_reduced_representation(
    mus_train, ys_train, mus_test, ys_test, factor_of_interest, correlation_measure=None
):
    """Codes [latents, n] of training and test without the latent that is first for a factor by `correlation_measure`.

    The measure maps (mus_train, ys_train, mus_test, ys_test) to importances [latents, factors]; DCI's by
    default.
    """
    if correlation_measure is None or correlation_measure is compute_factorwise_dci:
        return _reduce_by_dci(mus_train, ys_train, mus_test, ys_test, factor_of_interest)
    importance = correlation_measure(mus_train, ys_train, mus_test, ys_test)
    return _without_best(mus_train, mus_test, importance[:, factor_of_interest])


@gin.configurable("factorwise_dci", denylist=["mus_train", "ys_train", "mus_test", "ys_test"])
def compute_factorwise_dci(mus_train, ys_train, mus_test, ys_test):
    """DCI's importances [latents, factors] of codes [latents, n] for factors [factors, n]."""
    return dci.compute_importance_gbt(mus_train, ys_train, mus_test, ys_test)[0]
