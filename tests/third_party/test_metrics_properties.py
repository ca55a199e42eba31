"""Properties of all codes, and fast formulas against slow ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_cases import Grid
from scipy import linalg
from sklearn import linear_model, metrics
from sklearn import svm as sklearn_svm

from third_party.disentanglement_lib.evaluation.metrics import (
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    fairness,
    irs,
    logistic,
    mig,
    modularity_explicitness,
    nmig,
    sampling,
    sap_score,
    svm,
    unified_scores,
    unsupervised_metrics,
    utils,
)
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

FAST = settings(max_examples=25, deadline=None, derandomize=True)
NUMBERS = st.floats(-1e6, 1e6, width=32)


@st.composite
def splits(draw):
    """Codes and factors of few points, often constant or tied: (train, train, test, test), each [n, ...]."""
    num_latents, num_factors = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    parts = []
    for _ in range(2):
        n = draw(st.integers(8, 24))
        codes = draw(hnp.arrays(np.float32, (n, num_latents), elements=st.one_of(st.sampled_from([0, 1, -2]), NUMBERS)))
        factors = draw(hnp.arrays(np.int64, (n, num_factors), elements=st.integers(0, 3)))
        parts += [codes, factors]
    return parts


def nothing_to_score(factors, factors_test):
    """Whether no factor has a training value that occurs in the test together with another value."""
    for train, test in zip(factors.T, factors_test.T, strict=True):
        shares = [np.mean(test == value) for value in np.unique(train)]
        if len(shares) > 1 and any(0 < share < 1 for share in shares):
            return False
    return True


FIXED = {
    "mig": lambda c, f, ct, ft: mig.score(c, f, mode="fixed"),
    "mig of continuous factors": lambda c, f, ct, ft: mig.score(c, f * 0.3, mode="fixed", continuous_factors=True),
    "nmig": lambda c, f, ct, ft: nmig.score(c, f, mode="fixed"),
    "sap": lambda c, f, ct, ft: sap_score.score(c, f, ct, ft, mode="fixed"),
    "sap of continuous factors": lambda c, f, ct, ft: sap_score.score(c, f, ct, ft, True, mode="fixed"),
    "modularity_explicitness": lambda c, f, ct, ft: modularity_explicitness.score(c, f, ct, ft, mode="fixed"),
    "irs": lambda c, f, ct, ft: irs.score(c, f, mode="fixed"),
    "unsupervised": lambda c, f, ct, ft: unsupervised_metrics.score(c, mode="fixed"),
    "beta_vae": lambda c, f, ct, ft: beta_vae.score(sampling.Points(c, f), 0, 8, 20, 10, mode="fixed"),
    "factor_vae": lambda c, f, ct, ft: factor_vae.score(sampling.Points(c, f), 0, 8, 20, 10, 50, mode="fixed"),
}


@pytest.mark.parametrize("name", FIXED)
@FAST
@given(arrays=splits())
def test_no_finite_arrays_give_nan_in_fixed_mode(name, arrays):
    try:
        scores = FIXED[name](*arrays)
    except ValueError as error:
        assert nothing_to_score(arrays[1], arrays[3]), error
        return
    assert all(np.isfinite(value) for value in scores.values()), scores


@st.composite
def extreme_splits(draw):
    """The same with codes of any finite size in one of two types, and factors of two values."""
    num_latents, width = draw(st.integers(1, 3)), draw(st.sampled_from([32, 64]))
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=width)
    parts = []
    for _ in range(2):
        codes = hnp.arrays(f"float{width}", (12, num_latents), elements=st.one_of(st.just(0), numbers))
        parts += [draw(codes), np.stack([np.arange(12) % 2, np.arange(12) // 6], axis=1)]
    return parts


@pytest.mark.parametrize("name", FIXED)
@FAST
@given(arrays=extreme_splits())
def test_no_magnitude_of_codes_gives_nan_in_fixed_mode(name, arrays):
    scores = FIXED[name](*arrays)
    assert all(np.isfinite(value) for value in scores.values()), scores


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True)
@given(arrays=extreme_splits())
def test_no_magnitude_of_codes_gives_nan_in_dci_and_downstream_tasks_in_fixed_mode(arrays):
    for scores in (dci.score(*arrays, mode="fixed"), downstream_task.score(*arrays, mode="fixed")):
        assert all(np.isfinite(value) for value in scores.values()), scores


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True)
@given(arrays=splits())
def test_no_finite_arrays_give_nan_in_dci_in_fixed_mode(arrays):
    try:
        scores = dci.score(*arrays, mode="fixed")
    except ValueError:
        assert np.ptp(arrays[1], axis=0).max() == 0
        return
    assert all(np.isfinite(value) for value in scores.values()), scores


@pytest.mark.parametrize("correlation", ["lasso", "spearman"])
@FAST
@given(codes=hnp.arrays(np.float32, (3, 12, 3), elements=st.one_of(st.just(0), NUMBERS)), seed=st.integers(0, 99))
def test_no_finite_arrays_give_nan_in_udr_in_fixed_mode(correlation, codes, seed):
    kl = np.random.default_rng(seed).choice([0.0, 0.02, 1.0], size=(3, 3))
    scores = udr.score(codes, kl, correlation, mode="fixed")
    assert np.all((scores["model_scores"] >= 0) & (scores["model_scores"] <= 1 + 1e-9))
    assert np.isfinite(scores["raw_correlations"]).all()


def noisy(seed=0, num=400):
    generator = np.random.default_rng(seed)
    factors = np.stack([generator.integers(size, size=num) for size in (3, 5)], axis=1)
    mixed = factors @ generator.normal(size=(2, 4)) + generator.normal(size=(num, 4))
    return mixed[: num // 2], factors[: num // 2], mixed[num // 2 :], factors[num // 2 :]


UNCHANGED = {
    "nmig": (lambda c, f, ct, ft: nmig.score(c, f), 0.0),
    "sap": (lambda c, f, ct, ft: sap_score.score(c, f, ct, ft), 1e-12),
    "sap of continuous factors": (lambda c, f, ct, ft: sap_score.score(c, f, ct, ft, True), 1e-12),
    "modularity_explicitness": (modularity_explicitness.score, 1e-4),
    "irs": (lambda c, f, ct, ft: irs.score(c, f, mode="fixed"), 1e-12),
    "unsupervised": (lambda c, f, ct, ft: unsupervised_metrics.score(c), 1e-9),
    "factor_vae": (lambda c, f, ct, ft: factor_vae.score(sampling.Points(c, f), 0, 8, 50, 50, 100), 0.0),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_order_and_sign_of_latents_do_not_matter(name):
    function, tolerance = UNCHANGED[name]
    codes, factors, codes_test, factors_test = noisy()
    order, signs = np.array([2, 0, 3, 1]), np.array([1.0, -1.0, -1.0, 1.0])
    expected = function(codes, factors, codes_test, factors_test)
    received = function(codes[:, order] * signs, factors, codes_test[:, order] * signs, factors_test)
    for key, value in expected.items():
        assert received[key] == pytest.approx(value, abs=max(tolerance, 1e-15)), key


@FAST
@given(seed=st.integers(0, 1000))
def test_mig_with_bins_by_rank_does_not_change_under_monotone_maps(seed):
    generator = np.random.default_rng(seed)
    factors = generator.integers(4, size=(200, 2))
    codes = factors @ generator.normal(size=(2, 3)) + generator.normal(size=(200, 3))
    expected = mig.score(codes, factors, discretizer=utils.rank_discretize)
    assert mig.score(np.exp(codes), factors, discretizer=utils.rank_discretize) == expected


@pytest.mark.parametrize("rare", [0, 1])
@pytest.mark.parametrize("points", [21, 1000])
def test_a_rare_value_has_a_bin_of_its_own_by_rank(points, rare):
    row = np.full((1, points), 1 - rare)
    row[0, 5] = rare
    bins = utils.rank_discretize(row)
    assert len(np.unique(bins)) == 2 and np.sum(bins == bins[0, 5]) == 1


def test_perfect_codes_score_near_1_and_independent_codes_near_0():
    data = Grid((4, 5, 6))
    factors, test = (data.sample_factors(n, np.random.RandomState(n)) for n in (4000, 2000))
    noise, noise_test = (np.random.default_rng(n).normal(size=(n, 3)) for n in (4000, 2000))
    perfect, independent = (factors * 1.0, factors, test * 1.0, test), (noise, factors, noise_test, test)
    scores = [
        (lambda c, f, ct, ft: mig.score(c, f)["discrete_mig"], 0.98, 0.02),
        (lambda c, f, ct, ft: nmig.score(c, f)["discrete_nmig"], 0.98, 0.03),
        (lambda c, f, ct, ft: sap_score.score(c, f, ct, ft, True)["SAP_score"], 0.98, 0.02),
        (lambda c, f, ct, ft: sap_score.score(c, f, ct, ft)["SAP_score"], 0.2, 0.03),  # accuracies of lines
        (
            lambda c, f, ct, ft: modularity_explicitness.score(c, f, ct, ft)["explicitness_score_test"] * 2 - 1,
            0.97,
            0.1,
        ),
        (
            lambda c, f, ct, ft: irs.score(c, f)["IRS"],
            1.0,
            0.4,
        ),  # the worst of few points deviates less than the worst of all
        (lambda c, f, ct, ft: factor_vae.score(sampling.Points(c, f), 0, 64, 300, 300)["eval_accuracy"], 1.0, 0.45),
        (lambda c, f, ct, ft: beta_vae.score(sampling.Points(c, f), 0, 64, 300, 300)["eval_accuracy"], 1.0, 0.45),
    ]
    for function, high, low in scores:
        assert function(*perfect) >= high - 1e-9
        assert function(*independent) <= low


@FAST
@given(hnp.arrays(np.int64, (3, 40), elements=st.integers(-3, 5)), st.booleans())
def test_mutual_information_and_entropy_equal_scikit_learns(table, large):
    table = table * 10**6 if large else table
    received = utils.discrete_mutual_info(table, table)
    expected = [[metrics.mutual_info_score(a, b) for b in table] for a in table]
    np.testing.assert_allclose(received, expected, atol=1e-12)
    np.testing.assert_allclose(utils.discrete_entropy(table), np.diag(received), atol=1e-12)


@FAST
@given(hnp.arrays(np.float32, (2, 30), elements=NUMBERS))
def test_bins_equal_those_of_a_histogram_in_double_precision(table):
    received = utils._histogram_discretize(table.astype(np.float64), 7)
    for row, bins in zip(table.astype(np.float64), received, strict=True):
        np.testing.assert_array_equal(bins, np.digitize(row, np.histogram_bin_edges(row, 7)[:-1]))


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_support_vector_machines_equal_liblinear_at_a_tight_tolerance(num_classes):
    generator = np.random.default_rng(num_classes)
    labels = generator.integers(num_classes, size=300)
    codes = np.stack([labels + generator.normal(size=300), 0.1 * generator.normal(size=300) - labels, np.zeros(300)])
    test = generator.normal(size=(3, 200)) * 2
    received = svm.predict(codes[:2], labels, test[:2])
    for code, points, predicted in zip(codes, test, received, strict=False):
        model = sklearn_svm.LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10, max_iter=10**5)
        expected = model.fit(code[:, None], labels).predict(points[:, None])
        np.testing.assert_array_equal(predicted, expected)
    assert len(np.unique(svm.predict(codes, labels, test)[2])) == 1  # a constant latent predicts one class


@pytest.mark.parametrize("num_classes", [2, 4])
def test_logistic_regression_equals_scikit_learns_at_its_optimum(num_classes):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(300, 3))
    labels = np.digitize(inputs[:, 0] + 0.5 * generator.normal(size=300), np.linspace(-1, 1, num_classes + 1)[1:-1])
    ours = logistic.LogisticRegression().fit(inputs, labels)
    theirs = linear_model.LogisticRegression(tol=1e-10, max_iter=10000).fit(inputs, labels)
    np.testing.assert_allclose(ours.predict_proba(inputs), theirs.predict_proba(inputs), atol=1e-4)
    assert np.mean(ours.predict(inputs) == theirs.predict(inputs)) > 0.99
    with pytest.raises(ValueError, match="at least 2 classes"):
        logistic.LogisticRegression().fit(inputs, labels * 0)


def test_areas_under_the_roc_curve_equal_scikit_learns_with_ties():
    generator = np.random.default_rng(0)
    scores = generator.integers(5, size=(50, 2)) / 5
    positive = generator.integers(2, size=(50, 2)).astype(bool)
    received = modularity_explicitness._areas_under_roc(scores, positive)
    expected = [metrics.roc_auc_score(p, s) for p, s in zip(positive.T, scores.T, strict=True)]
    np.testing.assert_allclose(received, expected)


@FAST
@given(hnp.arrays(np.float64, (9, 2), elements=NUMBERS), st.sampled_from([0.0, 0.3, 0.5, 0.99, 1.0]))
def test_quantiles_equal_numpys(table, quantile):
    received = irs._quantile(table, quantile)
    np.testing.assert_allclose(received, np.quantile(table, quantile, axis=0), rtol=1e-12, atol=1e-9)


def test_gaussian_scores_equal_their_closed_forms():
    cov = np.cov(np.random.default_rng(0).normal(size=(4, 4)) @ np.random.default_rng(1).normal(size=(4, 99)))
    root = linalg.sqrtm(cov * np.diag(cov)[:, None])
    expected = 2 * np.trace(cov) - 2 * np.trace(root).real
    assert unsupervised_metrics.gaussian_wasserstein_correlation(cov) == pytest.approx(expected)
    pair = np.array([[1.0, 0.6], [0.6, 1.0]])
    assert unsupervised_metrics.gaussian_total_correlation(pair) == pytest.approx(-0.5 * np.log(1 - 0.36))


def test_importances_reduce_to_disentanglement_and_completeness():
    importance = np.array([[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])
    assert dci.disentanglement(importance) == pytest.approx(1.0, abs=1e-8)
    assert dci.completeness(importance) == pytest.approx((1 - np.log(2) / np.log(3) + 1) / 2, abs=1e-8)
    assert dci.disentanglement(np.zeros((3, 2))) == pytest.approx(0.0, abs=1e-8)


def test_groups_and_merges_of_a_matrix():
    matrix = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.3], [0.0, 0.05, 0.7]])
    assert [unified_scores.precision(matrix, t) for t in (0.9, 0.8, 0.7, 0.3, 0.2, 0.0)] == [1, 2, 3, 2, 1, 1]
    assert unified_scores.merge_thresholds(matrix) == {"merge_2_1": 3.0, "merge_0_2": 4.0, "merge_0_1": 4.0}
    values = unified_scores.pr_curves_values(np.array([[1.0, 0.0], [0.0, 0.5]]))
    assert values == {"area_precision": pytest.approx(0.5 * 1.5 + 0.5 * 2.0), "max_precision": 2}


def test_unfairness_of_counted_predictions():
    mean, worst = fairness.inter_group_fairness(np.array([[10, 0], [0, 30]]))
    assert (mean, worst) == (pytest.approx(0.25 * 0.75 + 0.75 * 0.25), pytest.approx(0.75))
    scores = fairness.compute_scores_dict(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 4.0], [5.0, 6.0, 0.0]]), "m")
    assert scores["m:pred1:sens2"] == 4.0
    assert scores["m:pred0:mean_sens"] == 1.5 and scores["m:sens0:max_pred"] == 5.0
    assert scores["m:mean_pred:max_sens"] == pytest.approx((2 + 4 + 6) / 3)
    assert scores["m:max_sens:mean_pred"] == 4.0
    assert len(scores) == 6 + 6 + 6 + 8
