"""The interface of the original: gin names, signatures, keys and draws; images encoded once; several seeds."""

import functools
import inspect
import subprocess
import sys

import gin
import numpy as np
import pytest
from metric_cases import Grid, Identity, as_codes, assert_scores, facts, identity_arrays

from third_party.disentanglement_lib.evaluation import evaluate
from third_party.disentanglement_lib.evaluation.metrics import (
    beta_vae,
    dci,
    draws,
    factor_vae,
    fairness,
    irs,
    mig,
    modularity_explicitness,
    nmig,
    reduced_downstream_task,
    sampling,
    sap_score,
    strong_downstream_task,
    unified_scores,
    unsupervised_metrics,
    utils,
)

SIZES = (2, 3, 3)
WEIGHTS = np.random.default_rng(0).normal(size=(3, 4))


def encode(observations):
    return np.tanh(observations @ WEIGHTS).astype(np.float32)


BINS = "discretizer.discretizer_fn = @histogram_discretizer\ndiscretizer.num_bins = 20\n"
TREES = "predictor.predictor_fn = @gradient_boosting_classifier\n"
LOGISTIC = "predictor.predictor_fn = @logistic_regression_cv\n"
SIZED = "{0}.num_train = 300\n{0}.num_test = 100\n"
# Bindings of the original's metric configurations with smaller sizes, and the keys of its results.
CONFIGURATIONS = {
    "mig": ("mig.num_train = 300\n" + BINS, ["discrete_mig"]),
    "nmig": ("nmig.num_train = 300\n" + BINS, ["discrete_mig", "discrete_nmig"]),
    "dci": (
        "dci.num_train = 60\ndci.num_test = 50\n",
        ["completeness", "disentanglement", "informativeness_test", "informativeness_train"],
    ),
    "sap_score": (SIZED.format("sap_score") + "sap_score.continuous_factors = False\n", ["SAP_score"]),
    "modularity_explicitness": (
        SIZED.format("modularity_explicitness") + BINS,
        ["explicitness_score_test", "explicitness_score_train", "modularity_score"],
    ),
    "irs": ("irs.num_train = 300\nirs.batch_size = 16\n" + BINS, ["IRS", "num_active_dims"]),
    "unsupervised_metrics": (
        "unsupervised_metrics.num_train = 300\n" + BINS,
        [
            "gaussian_total_correlation",
            "gaussian_wasserstein_correlation",
            "gaussian_wasserstein_correlation_norm",
            "mutual_info_score",
        ],
    ),
    "beta_vae_sklearn": (
        "beta_vae_sklearn.batch_size = 16\nbeta_vae_sklearn.num_train = 200\nbeta_vae_sklearn.num_eval = 100\n",
        ["eval_accuracy", "train_accuracy"],
    ),
    "factor_vae_score": (
        "factor_vae_score.num_variance_estimate = 200\nfactor_vae_score.num_train = 200\n"
        "factor_vae_score.num_eval = 100\nfactor_vae_score.batch_size = 16\nprune_dims.threshold = 0.05\n",
        ["eval_accuracy", "num_active_dims", "train_accuracy"],
    ),
    "downstream_task": (
        "downstream_task.num_train = [200]\ndownstream_task.num_test = 50\n" + LOGISTIC,
        sorted(
            [f"200:{a}_{b}_accuracy" for a in ("mean", "min") for b in ("train", "test")]
            + [f"200:{b}_accuracy_factor_{i}" for b in ("train", "test") for i in range(3)]
        ),
    ),
    "reduced_downstream_task": (
        "reduced_downstream_task.num_train = [80]\nreduced_downstream_task.num_test = 50\n"
        "reduced_downstream_task.num_factors_to_remove = 1\n"
        "reduced_representation.correlation_measure = @factorwise_dci\n" + LOGISTIC,
        None,
    ),
    "strong_downstream_task": (
        "strong_downstream_task.num_train = [200]\nstrong_downstream_task.num_test = 50\n"
        "strong_downstream_task.n_experiment = 1\n" + LOGISTIC,
        [
            "200:mean_strong_test_accuracy",
            "200:mean_strong_train_accuracy",
            "200:mean_test_accuracy",
            "200:mean_train_accuracy",
            "200:strong_generalization_gap",
        ],
    ),
    "unified_scores": (
        SIZED.format("unified_scores")
        + "unified_scores.matrix_fns = [@mutual_information_matrix, @accuracy_svm_matrix]\n"
        + BINS,
        None,
    ),
    "fairness": ("fairness.num_train = 60\nfairness.num_test_points_per_class = 10\n" + LOGISTIC, None),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations_of_the_original_parse_and_run(name):
    bindings, keys = CONFIGURATIONS[name]
    head = f"evaluation.evaluation_fn = @{name}\ndataset.name = 'auto'\nevaluation.random_seed = 0\n"
    gin.parse_config(head + bindings, skip_unknown=["dataset"])
    scores = evaluate.evaluate(Grid(SIZES), encode)
    if keys:
        assert sorted(scores) == keys
    assert all(np.isfinite(value) for value in scores.values())
    assert scores == evaluate.evaluate(Grid(SIZES), encode)
    assert f"{name}.mode" in gin.operative_config_str()


def test_several_seeds_give_mean_and_standard_error():
    gin.parse_config("evaluation.evaluation_fn = @mig\nmig.num_train = 50\nevaluation.repeats = 3")
    scores = evaluate.evaluate(Grid(SIZES), encode)
    single = [
        mig.compute_mig(Grid(SIZES), encode, np.random.RandomState(seed), num_train=50)["discrete_mig"]
        for seed in range(3)
    ]
    assert scores["num_seeds"] == 3
    assert scores["discrete_mig"] == pytest.approx(np.mean(single))
    assert scores["discrete_mig.standard_error"] == pytest.approx(np.std(single, ddof=1) / np.sqrt(3))
    kept = evaluate.repeat(lambda seed: {"backend": "lightgbm", "scores": [seed, 2.0 * seed]}, [1, 3])
    assert kept["backend"] == "lightgbm" and kept["scores"] == [2.0, 4.0]
    with pytest.raises(ValueError, match="seeds: expected at least 1"):
        evaluate.repeat(dict, [])


@pytest.mark.parametrize(
    "compute",
    [
        mig.compute_mig,
        dci.compute_dci,
        sap_score.compute_sap,
        beta_vae.compute_beta_vae_sklearn,
        factor_vae.compute_factor_vae,
        modularity_explicitness.compute_modularity_explicitness,
        irs.compute_irs,
        unsupervised_metrics.unsupervised_metrics,
        nmig.compute_nmig,
        unified_scores.compute_unified_scores,
        fairness.compute_fairness,
        reduced_downstream_task.compute_reduced_downstream_task,
        strong_downstream_task.compute_strong_downstream_task,
    ],
)
def test_first_four_arguments_equal_the_originals(compute):
    names = list(inspect.signature(compute).parameters)
    assert names[:4] == ["ground_truth_data", "representation_function", "random_state", "artifact_dir"]


class Counting:
    """Counts the images that an encoder sees."""

    def __init__(self, encode):
        self.encode, self.seen = encode, 0

    def __call__(self, observations):
        self.seen += len(observations)
        return self.encode(observations)


class Noisy(Grid):
    def sample_observations_from_factors(self, factors, random_state):
        return factors + 0.1 * random_state.normal(size=factors.shape)


def plain_votes(data, encode, num_votes, batch_size, random_state, variances):
    """Votes by their definition, one batch at a time."""
    votes = np.zeros((data.num_factors, len(variances)), dtype=np.int64)
    for _ in range(num_votes):
        factor = random_state.randint(data.num_factors)
        factors = data.sample_factors(batch_size, random_state)
        factors[:, factor] = factors[0, factor]
        codes = encode(data.sample_observations_from_factors(factors, random_state))
        votes[factor, np.argmin(np.var(codes, axis=0, ddof=1) / variances)] += 1
    return votes


def plain_points(data, encode, num_points, batch_size, random_state):
    points, labels = [], []
    for _ in range(num_points):
        factor = random_state.randint(data.num_factors)
        first, second = (data.sample_factors(batch_size, random_state) for _ in range(2))
        second[:, factor] = first[:, factor]
        first, second = (encode(data.sample_observations_from_factors(x, random_state)) for x in (first, second))
        points.append(np.mean(np.abs(first - second), axis=0))
        labels.append(factor)
    return np.array(points), np.array(labels)


@pytest.mark.parametrize("kind", ["Grid", "Noisy", "Reversed"])
def test_votes_and_points_equal_those_of_draws_batch_by_batch(kind):
    data = globals()[kind](SIZES)
    variances = np.array([0.5, 0.7, 0.2, 0.9], dtype=np.float32)
    sampler = sampling.GroundTruth(data, encode)
    generators = [np.random.RandomState(5) for _ in range(2)]
    for num in (700, 20):  # more than one bulk, then a continuation
        expected = plain_votes(data, encode, num, 8, generators[0], variances)
        received = factor_vae.generate_votes(sampler, num, 8, generators[1], variances, np.ones(4, bool))
        np.testing.assert_array_equal(received, expected)
        points, labels = plain_points(data, encode, num, 8, generators[0])
        received_points, received_labels = beta_vae.generate_points(sampler, num, 8, generators[1])
        np.testing.assert_array_equal(received_points, points)
        np.testing.assert_array_equal(received_labels, labels)


def test_each_image_of_a_small_deterministic_grid_is_encoded_once():
    counting = Counting(encode)
    data, cached = sampling.encode_once(Grid(SIZES), counting)
    probes = counting.seen
    for seed in range(2):
        for compute in (beta_vae.compute_beta_vae_sklearn, factor_vae.compute_factor_vae):
            generator = np.random.RandomState(seed)
            received = compute(data, cached, generator, num_train=50, num_eval=20)
            assert received == compute(Grid(SIZES), encode, np.random.RandomState(seed), num_train=50, num_eval=20)
    assert counting.seen - probes == data.num_encoded <= np.prod(SIZES)
    with pytest.raises(ValueError, match=r"expected values from 0 to below \[2, 3, 3\]"):
        data.sample_observations_from_factors(np.array([[0, 0, 9]]), None)


def stochastic(observations):
    return encode(observations) + np.random.default_rng().normal(size=(len(observations), 4))


@pytest.mark.parametrize(
    ("data", "function"),
    [(Noisy(SIZES), encode), (Grid(SIZES), stochastic), (Identity(), as_codes), (Grid((4000,) * 3), encode)],
    ids=["noisy data", "stochastic encoder", "false sizes", "too many states"],
)
def test_codes_are_not_cached_if_that_would_change_them(data, function):
    assert sampling.encode_once(data, function) == (data, function)


def test_metrics_do_not_change_the_global_generator_or_later_draws():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draws = []
    for trees in (True, False):
        generator = np.random.RandomState(0)
        data = Grid(SIZES)
        _, factors = utils.generate_batch_factor_code(data, encode, 50, generator, 16)
        if trees:
            dci.compute_importance_gbt(encode(factors.T).T, factors, encode(factors.T).T, factors, generator)
        draws.append(generator.randint(10**6))
    assert draws[0] == draws[1]
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_trees_do_not_depend_on_the_number_of_threads():
    codes, factors, codes_test, factors_test = (part[:60] for part in identity_arrays())
    parts = codes[:, :3], factors[:, :3] % 2, codes_test[:, :3], factors_test[:, :3] % 2
    assert dci.score(*parts, workers=1) == dci.score(*parts, workers=3)
    assert dci.score(*parts, random_state=np.random.RandomState(0)) == dci.score(*parts, random_state=0)


def test_lightgbm_backend_is_named_in_the_result_and_agrees_roughly():
    pytest.importorskip("lightgbm")
    codes, factors, codes_test, factors_test = (part[:, :3] for part in identity_arrays())
    scores = dci.score(codes, factors % 3, codes_test, factors_test % 3, backend="lightgbm")
    assert scores["backend"] == "lightgbm"
    assert scores["disentanglement"] == pytest.approx(1.0, abs=1e-3)
    assert scores["informativeness_test"] == 1.0


# The reference's scores of its `identity` case, whose codes can be regenerated (see make_facts.py).
FACTS = {
    "mig": lambda c, f, ct, ft: mig.score(c, f),
    "mig.end_to_end": lambda c, f, ct, ft: mig.compute_mig(
        Identity(), as_codes, np.random.RandomState(0), num_train=len(c)
    ),
    "nmig": lambda c, f, ct, ft: nmig.score(c, f),
    "nmig.active_0_2": lambda c, f, ct, ft: nmig.score(c, f, active=[0, 2]),
    "nmig.active_1": lambda c, f, ct, ft: nmig.score(c, f, active=[1]),
    "irs": lambda c, f, ct, ft: irs.score(c, f),
    "irs.q99": lambda c, f, ct, ft: irs.score(c, f),
    "irs.q100": lambda c, f, ct, ft: irs.score(c, f, 1.0),
    "unsupervised": lambda c, f, ct, ft: unsupervised_metrics.score(c),
    "sap.discrete": sap_score.score,
    "sap_discrete": sap_score.score,
    "sap.continuous": functools.partial(sap_score.score, continuous_factors=True),
    "sap_continuous": functools.partial(sap_score.score, continuous_factors=True),
    "modularity_explicitness": modularity_explicitness.score,
    "dci": dci.score,
    "beta_vae": lambda c, f, ct, ft: beta_vae.compute_beta_vae_sklearn(
        Identity(), as_codes, np.random.RandomState(0), **_drawn(c)
    ),
    "factor_vae": lambda c, f, ct, ft: factor_vae.compute_factor_vae(
        Identity(), as_codes, np.random.RandomState(0), num_variance_estimate=len(c), **_drawn(c)
    ),
    "factor_vae.threshold_0": lambda c, f, ct, ft: factor_vae.compute_factor_vae(
        Identity(), as_codes, np.random.RandomState(0), num_variance_estimate=len(c), **_drawn(c)
    ),
    "factor_entropy": lambda c, f, ct, ft: dict(enumerate(utils.discrete_entropy(f.T))),
    "modularity": lambda c, f, ct, ft: {
        "modularity": modularity_explicitness.modularity(utils.discrete_mutual_info(utils.make_discretizer(c.T), f.T))
    },
}
TOLERANCES = {"modularity_explicitness": 2e-4, "sap.discrete": 4e-5, "sap_discrete": 4e-5}
SLOW = {("identity", "dci")} | {
    ("identity at default sizes", name) for name in ("dci", "beta_vae", "factor_vae", "modularity_explicitness")
}


def _drawn(codes):
    return {"num_train": 10000, "num_eval": 5000} if len(codes) == 10000 else {"num_train": 600, "num_eval": 300}


def _facts():
    return [
        pytest.param(size, name, id=f"{size}-{name}", marks=[pytest.mark.slow] * ((size, name) in SLOW))
        for size, scores in facts().items()
        for name in scores
    ]


@functools.cache
def _identity(num_train, num_test):
    return identity_arrays(num_train, num_test)


@pytest.mark.parametrize(("size", "name"), _facts())
def test_equals_the_original_on_regenerated_codes(size, name):
    expected = facts()[size][name]
    if isinstance(expected, list):
        expected = dict(enumerate(expected))
    elif not isinstance(expected, dict):
        expected = {name: expected}
    parts = _identity(*((2000, 1000) if size == "identity" else (10000, 5000)))
    assert_scores(FACTS[name](*parts), expected, TOLERANCES.get(name, 1e-9))


def test_importing_the_metrics_does_not_load_tensorflow():
    program = (
        "import sys; from third_party.disentanglement_lib.evaluation import evaluate;"
        "print([name for name in ('tensorflow', 'rdl', 'keras', 'lightgbm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize("highs", [(5, 3, 1, 40, 32, 2, 1000), (5, 3, 1, 40, 32, 2, 200), (4, 5, 5, 1, 8, 2, 5)])
def test_bulk_draws_equal_randint_and_leave_the_same_generator_state(highs):
    one, other = np.random.RandomState(3), np.random.RandomState(3)
    one.randint(7), other.randint(7)
    counts = [1, 6, 1, 6, 6, 6, 9]
    received = draws.randints(one, highs, counts, 200)
    for i in range(200):
        for values, high, count in zip(received, highs, counts, strict=True):
            np.testing.assert_array_equal(values[i], other.randint(high, size=count))
    assert one.randint(10**9) == other.randint(10**9)
    assert not sampling._draws_independently(Reversed(SIZES))


class Reversed(Grid):
    def sample_factors(self, num, random_state):
        return super().sample_factors(num, random_state)[::-1]


class NumpySizes(Grid):
    """Data whose numbers of values are numpy integers, as in the original's dSprites."""

    def __init__(self):
        super().__init__(SIZES)
        self.factors_num_values = list(np.array(SIZES))


def test_numbers_of_values_may_be_numpy_integers():
    options = {"num_train": 30, "num_eval": 20}
    for compute in (beta_vae.compute_beta_vae_sklearn, factor_vae.compute_factor_vae):
        grids = Grid(SIZES), NumpySizes()
        expected, received = (compute(data, encode, np.random.RandomState(0), **options) for data in grids)
        assert received == expected


def test_other_bit_generators_draw_the_same_batch_by_batch():
    generators = [np.random.RandomState(np.random.PCG64(1)) for _ in range(2)]
    sampler = sampling.GroundTruth(Grid(SIZES), encode)
    points, labels = plain_points(Grid(SIZES), encode, 20, 8, generators[0])
    received_points, received_labels = beta_vae.generate_points(sampler, 20, 8, generators[1])
    np.testing.assert_array_equal(received_points, points)
    np.testing.assert_array_equal(received_labels, labels)


def test_a_metric_without_an_artifact_folder_runs():
    @gin.configurable("old_metric")
    def old_metric(ground_truth_data, representation_function, random_state):
        return {"shape": representation_function(ground_truth_data.sample_observations(3, random_state)).shape[1]}

    gin.parse_config("evaluation.evaluation_fn = @old_metric")
    assert evaluate.evaluate(Grid(SIZES), encode) == {"shape": 4}


def test_fairness_needs_two_factors():
    with pytest.raises(ValueError, match="fairness: expected at least 2 factors"):
        fairness.compute_fairness(Grid((3,)), lambda x: x * 1.0, np.random.RandomState(0), num_train=20)
