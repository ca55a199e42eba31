"""Accuracy of classifiers that predict each factor from the codes, for training sets of several sizes."""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import threads, utils, validation


@gin.configurable(
    "downstream_task",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_downstream_task(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=(10, 100, 1000, 10000),
    num_test=5000,
    batch_size=16,
    mode="dlib",
):
    """Accuracies of gin's `predictor` on a representation, for each size in `num_train`; keys as `score`."""
    del artifact_dir
    validation.reject_continuous(utils.continuous_factors(ground_truth_data), "downstream task", "it classifies values")
    scores = {}
    for size in num_train:
        mus_train, ys_train, mus_test, ys_test = utils.sample_train_test(
            ground_truth_data, representation_function, size, num_test, random_state, batch_size
        )
        predictor = utils.make_predictor_fn()
        scores |= score(mus_train.T, ys_train.T, mus_test.T, ys_test.T, predictor, random_state, mode)
    return scores


def score(codes_train, factors_train, codes_test, factors_test, predictor_fn=None, random_state=0, mode="dlib"):
    """Accuracies of one classifier per factor.

    Args:
        codes_train, codes_test: [n, latents].
        factors_train, factors_test: [n, factors], discrete.
        predictor_fn: makes a classifier with fit(codes, labels) and predict(codes); gradient boosted trees by
            default, or `utils.logistic_regression_cv`.
        random_state: seed or np.random.RandomState of random classifiers; its later draws do not change.
        mode: "dlib", or "fixed": a constant factor is predicted by its value, the values of factors need not be
            whole numbers, and logistic regression accepts data where a class is missing outside a fold.

    Returns:
        "<n>:mean_train_accuracy", "<n>:min_train_accuracy", "<n>:train_accuracy_factor_<i>" and the same with
        "test" for "train", n being the number of training points: floats.

    Raises:
        ValueError: arrays that are not tables of finite numbers; in mode "dlib" a factor that is constant or has
            fractions as values, or too few points for cross-validation.
    """
    arrays = validation.check_split(codes_train, factors_train, codes_test, factors_test)
    mus_train, ys_train, mus_test, ys_test = (array.T for array in arrays)
    train, test = accuracies(mus_train, ys_train, mus_test, ys_test, predictor_fn, random_state, mode)
    size = len(codes_train)
    scores = {
        f"{size}:mean_train_accuracy": float(np.mean(train)),
        f"{size}:mean_test_accuracy": float(np.mean(test)),
        f"{size}:min_train_accuracy": float(np.min(train)),
        f"{size}:min_test_accuracy": float(np.min(test)),
    }
    for i, (train_accuracy, test_accuracy) in enumerate(zip(train, test, strict=True)):
        scores[f"{size}:train_accuracy_factor_{i}"] = train_accuracy
        scores[f"{size}:test_accuracy_factor_{i}"] = test_accuracy
    return scores


def accuracies(mus_train, ys_train, mus_test, ys_test, predictor_fn=None, random_state=0, mode="dlib"):
    """Accuracies ([factors], [factors]) in training and test of one classifier for each row of `ys` [factors, n]."""
    inputs_train, inputs_test = np.ascontiguousarray(mus_train.T), np.ascontiguousarray(mus_test.T)
    if mode == "fixed":
        ys_train, ys_test = validation.classes(ys_train, ys_test, "downstream task")
        tables = (table.astype(np.float64) for table in (inputs_train, inputs_test))
        _, (inputs_train, inputs_test) = validation.moderate(*tables)
    models = make_predictors(len(ys_train), predictor_fn, random_state, mode)

    def fit(factor):
        model = fit_predictor(models[factor], inputs_train, ys_train[factor], factor, mode)
        train_accuracy = np.mean(model.predict(inputs_train) == ys_train[factor])
        return float(train_accuracy), float(np.mean(model.predict(inputs_test) == ys_test[factor]))

    train, test = zip(*threads.run_in_threads(fit, [len(np.unique(row)) for row in ys_train]), strict=True)
    return list(train), list(test)


def make_predictors(num, predictor_fn=None, random_state=0, mode="dlib"):
    """Makes `num` classifiers; random ones have seeds from a copy of `random_state`."""
    validation.check_mode(mode)
    predictor_fn = predictor_fn or utils.gradient_boosting_classifier
    seeds = utils.independent_seeds(random_state, num)
    models = [predictor_fn() for _ in range(num)]
    for model, seed in zip(models, seeds, strict=True):
        if hasattr(model, "random_state") and model.random_state is None:
            model.random_state = int(seed)
        if mode == "fixed" and hasattr(model, "allow_missing_classes"):
            model.allow_missing_classes = True
    return models


def fit_predictor(model, inputs, labels, factor, mode="dlib"):
    """Fits `model` to `inputs` [n, latents] and `labels` [n]; errors name `factor`."""
    if mode == "fixed" and np.all(labels == labels[0]):
        return _Constant(labels[0])
    validation.reject_unclassifiable_factors(np.asarray(labels)[None], "downstream task", factor)
    try:
        return model.fit(inputs, labels)
    except ValueError as error:
        raise ValueError(f"downstream task, factor {factor}: {error}") from error


class _Constant:
    """Predicts one value."""

    def __init__(self, value):
        self._value = value

    def predict(self, inputs):
        return np.full(len(inputs), self._value)
