"""Accuracy of classifiers if another factor is fixed in training and takes other values in the test.

The gap to the usual accuracy measures the robustness of a representation to distribution shift.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import downstream_task, sampling, utils, validation


@gin.configurable(
    "strong_downstream_task",
    denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"],
)
def compute_strong_downstream_task(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=(1000,),
    num_test=5000,
    n_experiment=10,
    mode="dlib",
):
    """Accuracies of gin's `predictor` with and without an intervention, for each size in `num_train`.

    The original draws interventions from numpy's global generator; here they come from one seeded by a copy
    of `random_state`, so that the factors are drawn as by the original. All points are encoded at once.

    Returns:
        "<n>:mean_train_accuracy", "<n>:mean_test_accuracy", the same with "_strong_", and
        "<n>:strong_generalization_gap", 1 - strong / usual test accuracy: floats.

    Raises:
        ValueError: a single factor, or one to intervene on with a single value; else as `downstream_task`.
    """
    del artifact_dir
    validation.check_mode(mode)
    continuous = utils.continuous_factors(ground_truth_data)
    validation.reject_continuous(continuous, "strong downstream task", "it classifies values")
    data, encode = sampling.encode_once(ground_truth_data, representation_function)
    scores = {}
    for size in num_train:
        train = data.sample_factors(size, random_state)
        test = data.sample_factors(num_test, random_state)
        codes_train = encode(data.sample_observations_from_factors(train, random_state)).T
        codes_test = encode(data.sample_observations_from_factors(test, random_state)).T
        predictor = utils.make_predictor_fn()
        usual = downstream_task.accuracies(codes_train, train.T, codes_test, test.T, predictor, random_state, mode)
        generator = utils.independent_generator(random_state)
        strong = ([], [])
        for target in range(data.num_factors):
            for _ in range(n_experiment):
                moved_train, moved_test = intervene(train, test, target, data.factors_num_values, generator)
                accuracies = downstream_task.accuracies(
                    encode(data.sample_observations_from_factors(moved_train, random_state)).T,
                    moved_train.T[target : target + 1],
                    encode(data.sample_observations_from_factors(moved_test, random_state)).T,
                    moved_test.T[target : target + 1],
                    predictor,
                    generator.randint(2**31 - 1),
                    mode,
                )
                for part, (accuracy,) in zip(strong, accuracies, strict=True):
                    part.append(accuracy)
        scores |= {
            f"{size}:mean_train_accuracy": float(np.mean(usual[0])),
            f"{size}:mean_test_accuracy": float(np.mean(usual[1])),
            f"{size}:mean_strong_train_accuracy": float(np.mean(strong[0])),
            f"{size}:mean_strong_test_accuracy": float(np.mean(strong[1])),
            f"{size}:strong_generalization_gap": float(1.0 - np.mean(strong[1]) / np.mean(usual[1])),
        }
    return scores


def intervene(factors_train, factors_test, target, num_values, generator):
    """Copies of factors [n, factors] in which a factor other than `target` is fixed in training to one value.

    In the test it takes the other values, at random.
    """
    others = [i for i in range(factors_train.shape[1]) if i != target]
    if not others or min(num_values[i] for i in others) < 2:
        raise ValueError("strong downstream task: expected at least 2 factors, each with at least 2 values")
    factor = generator.choice(others)
    fixed = generator.randint(num_values[factor])
    train, test = factors_train.copy(), factors_test.copy()
    train[:, factor] = fixed
    drawn = generator.randint(num_values[factor] - 1, size=len(test))
    test[:, factor] = drawn + (drawn >= fixed)
    return train, test
