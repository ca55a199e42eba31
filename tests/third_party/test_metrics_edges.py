"""Edge cases: results and errors of the original, and results in mode "fixed"."""

import json

import gin
import numpy as np
import pytest
from metric_cases import Grid, assert_scores
from sklearn import metrics

from third_party.disentanglement_lib.evaluation.metrics import (
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    irs,
    logistic,
    mig,
    modularity_explicitness,
    nmig,
    sampling,
    sap_score,
    unified_scores,
    unsupervised_metrics,
    utils,
)


def arrays(sizes=(3, 4), num_train=120, num_test=60):
    """A split with the factors and noise as latents."""
    generator = np.random.default_rng(0)
    factors = np.stack([generator.integers(size, size=num_train + num_test) for size in sizes], axis=1)
    codes = np.concatenate([factors, generator.normal(size=(len(factors), 1))], axis=1) + 0.01
    return codes[:num_train], factors[:num_train], codes[num_train:], factors[num_train:]


def constant_factor(split):
    codes, factors, codes_test, factors_test = (part.copy() for part in split)
    factors[:, 1] = factors_test[:, 1] = 0
    return codes, factors, codes_test, factors_test


def constant_latent(split, value=0.0):
    codes, factors, codes_test, factors_test = (part.copy() for part in split)
    codes[:, 2] = codes_test[:, 2] = value
    return codes, factors, codes_test, factors_test


def missing_class(split):
    codes, factors, codes_test, factors_test = split
    kept = factors_test[:, 1] != 3
    return codes, factors, codes_test[kept], factors_test[kept]


SPLIT = arrays()
C, F, CT, FT = SPLIT
STILL = np.ones((50, 3)) * [0.5, 0.0, -2.0]

# name in edge.json: (function of the mode, message in mode "dlib" or None if the original returns a result)
EDGES = {
    "mig: constant factor": (lambda m: mig.score(*constant_factor(SPLIT)[:2], mode=m), None),
    "mig: one latent": (lambda m: mig.score(C[:, :1], F, mode=m), "at least 2 latents"),
    "sap discrete: constant factor": (lambda m: sap_score.score(*constant_factor(SPLIT), mode=m), "of factor 1"),
    "sap continuous: constant factor": (
        lambda m: sap_score.score(*constant_factor(SPLIT), continuous_factors=True, mode=m),
        None,
    ),
    "dci: constant factor": (lambda m: dci.score(*constant_factor(SPLIT), mode=m), "of factor 1"),
    "explicitness: class absent from the test set": (
        lambda m: modularity_explicitness.score(*missing_class(SPLIT), mode=m),
        "factor 1 with value 3",
    ),
    "irs: all latents constant": (lambda m: irs.score(STILL, F[:50], mode=m), None),
    "unsupervised: all latents constant": (lambda m: unsupervised_metrics.score(STILL * 0.0, mode=m), None),
    "modularity_explicitness: one constant latent": (
        lambda m: modularity_explicitness.score(*constant_latent(SPLIT), mode=m),
        "latent 2 with standard deviation 0",
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_fixed_mode_returns_finite_numbers(name):
    scores = EDGES[name][0]("fixed")
    assert all(np.isfinite(value) for value in scores.values()), scores


@pytest.mark.parametrize("name", [name for name, (_, message) in EDGES.items() if message])
def test_inputs_that_the_original_cannot_score_are_named(name):
    function, message = EDGES[name]
    with pytest.raises(ValueError, match=message) as caught:
        function("dlib")
    assert "\n" not in str(caught.value)
    assert 'mode="fixed"' in str(caught.value)


@pytest.mark.data
def test_every_edge_case_of_the_original_is_covered(shared):
    edges = json.loads((shared / "oracle" / "edge.json").read_text())
    assert set(EDGES) | {"udr: one model"} == set(edges)
    for name, (function, message) in EDGES.items():
        assert ("ERROR" in edges[name]) == bool(message), name
        if not message:
            assert_scores(function("dlib"), edges[name])


def test_fixed_mode_leaves_a_constant_factor_out():
    split = constant_factor(SPLIT)
    alone = C, F[:, :1], CT, FT[:, :1]
    for score in (sap_score.score, modularity_explicitness.score):
        left_out, expected = score(*split, mode="fixed"), score(*alone, mode="fixed")
        shared_keys = [key for key in expected if key != "modularity_score"]
        assert [left_out[key] for key in shared_keys] == [expected[key] for key in shared_keys]
    for score in (mig.score, nmig.score):
        assert score(*split[:2], mode="fixed") == score(*alone[:2], mode="fixed")


def test_fixed_mode_compares_a_single_latent_with_an_inactive_one():
    inactive = np.zeros((len(C), 1))
    assert mig.score(C[:, :1], F, mode="fixed") == mig.score(np.hstack([C[:, :1], inactive]), F)
    one = sap_score.score(C[:, :1], F, CT[:, :1], FT, mode="fixed")
    two = sap_score.score(np.hstack([C[:, :1], inactive]), F, np.hstack([CT[:, :1], inactive[:60]]), FT)
    assert one == two
    assert dci.score(C[:, :1], F[:, :1], CT[:, :1], FT[:, :1], mode="fixed")["completeness"] == 1.0
    assert np.isnan(dci.score(C[:, :1], F, CT[:, :1], FT)["completeness"])
    assert unsupervised_metrics.score(C[:, :1], mode="fixed")["mutual_info_score"] == 0.0


def test_fixed_mode_counts_active_latents():
    codes = constant_latent(SPLIT, 0.3)[0]
    assert irs.score(codes, F, mode="fixed")["num_active_dims"] == 2
    live = codes[:, codes.var(axis=0) > 0]
    assert irs.score(codes, F)["num_active_dims"] == pytest.approx(live.sum())
    data, encode = Grid((3, 4)), lambda x: np.hstack([x, np.zeros((len(x), 1))])
    options = {"random_state": 0, "num_train": 60, "num_eval": 30, "num_variance_estimate": 100}
    fixed = factor_vae.score(sampling.GroundTruth(data, encode), mode="fixed", **options)
    assert fixed == {"train_accuracy": 1.0, "eval_accuracy": 1.0, "num_active_dims": 2}
    original = factor_vae.score(sampling.GroundTruth(data, encode), **options)
    assert original["num_active_dims"] == 3
    assert original["eval_accuracy"] < 0.8  # the constant latent wins every vote
    assert factor_vae.score(sampling.GroundTruth(data, lambda x: 0.0 * x), mode="fixed", **options) == {
        "train_accuracy": 0.0,
        "eval_accuracy": 0.0,
        "num_active_dims": 0,
    }


def test_fixed_mode_bounds_gaussian_scores_of_dependent_latents():
    codes = np.hstack([C, C[:, :1] * 2.0, constant_latent(SPLIT, 0.1)[0][:, 2:]])
    fixed = unsupervised_metrics.score(codes, mode="fixed")
    assert all(np.isfinite(value) for value in fixed.values())
    assert fixed["gaussian_total_correlation"] > 10  # a duplicated latent: infinite in exact arithmetic
    clean = unsupervised_metrics.score(C, mode="fixed")
    assert clean["gaussian_total_correlation"] == pytest.approx(
        unsupervised_metrics.score(C)["gaussian_total_correlation"]
    )


def test_downstream_tasks_name_the_factor_or_score_it_in_fixed_mode():
    few = C[:12], F[:12], CT, FT
    with pytest.raises(ValueError, match="factor 0: cross-validation|factor 1: cross-validation"):
        downstream_task.score(*few, utils.logistic_regression_cv)
    scores = downstream_task.score(*few, utils.logistic_regression_cv, mode="fixed")
    assert 0.3 < scores["12:mean_test_accuracy"] <= 1.0
    with pytest.raises(ValueError, match="received 1 of factor 1"):
        downstream_task.score(*constant_factor(SPLIT))
    fixed = downstream_task.score(*constant_factor(SPLIT), utils.logistic_regression_cv, mode="fixed")
    assert fixed["120:test_accuracy_factor_1"] == 1.0


def test_one_or_no_varying_factor():
    sampler = sampling.Points(C, F[:, :1])
    with pytest.raises(ValueError, match="at least 2 factors"):
        beta_vae.score(sampler, num_train=20, num_eval=10)
    assert beta_vae.score(sampler, num_train=20, num_eval=10, mode="fixed")["eval_accuracy"] == 1.0
    for score in (mig.score, nmig.score):
        with pytest.raises(ValueError, match="constant factors only"):
            score(C, F * 0, mode="fixed")
    with pytest.raises(ValueError, match="at least 2 latents"):
        unified_scores.score(C[:, :1], F, CT[:, :1], FT)


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (C[:, 0], F, r"codes: expected a non-empty array \[n, latents\]"),
        (C[:0], F[:0], "codes: expected a non-empty array"),
        (np.where(C > 2, np.inf, C), F, "codes: expected finite numbers, received nan or inf in latent"),
        (C, F[1:], "factors: expected one row for each of the 120 codes, received 119"),
        (C, F.astype(str), "factors: expected numbers"),
        (C.astype(complex), F, "codes: expected numbers"),
    ],
)
def test_bad_arrays_are_named(codes, factors, message):
    with pytest.raises(ValueError, match=message):
        mig.score(codes, factors)


def test_unknown_modes_backends_and_widths_are_named():
    with pytest.raises(ValueError, match="mode: expected one of dlib, fixed, received 'right'"):
        mig.score(C, F, mode="right")
    with pytest.raises(ValueError, match='backend: expected "sklearn" or "lightgbm"'):
        dci.score(*SPLIT, backend="xgboost")
    with pytest.raises(ValueError, match="codes_test: expected 3 columns as in training, received 2"):
        sap_score.score(C, F, CT[:, :2], FT)
    with pytest.raises(ValueError, match="diff_quantile: expected a number from 0 to 1"):
        irs.score(C, F, diff_quantile=99)


def test_an_invalid_discretizer_is_named():
    gin.parse_config("discretizer.discretizer_fn = @mig")
    with pytest.raises(ValueError, match=r"discretizer_fn: expected a function of \(target, num_bins\)"):
        utils.make_discretizer(C.T)


@pytest.mark.parametrize("num_bins", [0, -3, 2.5, 10**18, None])
def test_invalid_numbers_of_bins_are_named(num_bins):
    for score in (mig.score, irs.score):
        with pytest.raises(ValueError, match="num_bins: expected a whole number from 1 to 1000000"):
            score(C, F, num_bins=num_bins)


@pytest.mark.parametrize("dtype", [np.uint64, np.int8, np.uint8, bool, np.float16, np.float32])
def test_factors_may_be_of_any_type(dtype):
    binary = F % 2
    assert mig.score(C, binary.astype(dtype)) == mig.score(C, binary)
    assert modularity_explicitness.score(C, binary.astype(dtype), CT, FT % 2) == modularity_explicitness.score(
        C, binary, CT, FT % 2
    )


@pytest.mark.parametrize(
    "values", [(-(9 * 10**18), 9 * 10**18, 0, 1), (2**63, 2**63 + 1, 2**64 - 1, 2**63 + 7)], ids=["int64", "uint64"]
)
def test_factors_may_be_any_integers(values):
    assert mig.score(C, np.array(values)[F], mode="fixed") == pytest.approx(mig.score(C, F, mode="fixed"))


def test_explicitness_matches_different_test_values_in_order_as_the_original_does():
    expected = modularity_explicitness.score(C, F, CT, FT)
    other = np.where(FT.max(axis=0) == FT, 7, FT)
    assert modularity_explicitness.score(C, F, CT, other) == expected

    few = C[F[:, 1] < 3], F[F[:, 1] < 3]  # the test split has one more value, whose points are only negatives
    received = modularity_explicitness.score(*few, CT, FT)["explicitness_score_test"]
    train, mean, stddev = utils.normalize_data(few[0].T)
    test, _, _ = utils.normalize_data(CT.T, mean, stddev)
    areas = []
    for y, y_test in zip(few[1].T, FT.T, strict=True):
        chances = logistic.LogisticRegression().fit(train.T, y).predict_proba(test.T)
        areas.append(np.mean([metrics.roc_auc_score(y_test == k, chance) for k, chance in enumerate(chances.T)]))
    assert received == pytest.approx(np.mean(areas))


FRACTIONS = {
    "SAP": lambda f, ft, m: sap_score.score(C, f, CT, ft, mode=m),
    "DCI": lambda f, ft, m: dci.score(C, f, CT, ft, mode=m),
    "explicitness": lambda f, ft, m: modularity_explicitness.score(C, f, CT, ft, mode=m),
    "downstream task": lambda f, ft, m: downstream_task.score(C, f, CT, ft, mode=m),
    "unified scores": lambda f, ft, m: unified_scores.score(C, f, CT, ft, [unified_scores.accuracy_svm_matrix], m),
}


@pytest.mark.parametrize("name", FRACTIONS)
def test_fractional_classes_are_refused_in_dlib_mode_and_numbered_in_fixed_mode(name):
    score, halves = FRACTIONS[name], [1.0, 0.5]
    refused = "SAP" if name == "unified scores" else name
    with pytest.raises(ValueError, match=f"{refused}: expected whole numbers .* fractions in factor 1"):
        score(F * halves, FT * halves, "dlib")
    assert score(F * halves, FT * halves, "fixed") == score(F, FT, "dlib")
    with pytest.raises(ValueError, match=f"{name}: expected discrete factors, received .* of factor 1"):
        score(F + C[:, 2:] * [0.0, 0.1], FT + CT[:, 2:] * [0.0, 0.1], "fixed")


def test_codes_beyond_single_precision_are_refused_by_latent_and_scaled_in_fixed_mode():
    large = [1.0, 2.0**200, 1.0]
    with pytest.raises(ValueError, match="DCI, training: .* in latent 1"):
        dci.score(C * large, F, CT * large, FT)
    assert dci.score(C * large, F, CT * large, FT, mode="fixed") == dci.score(C, F, CT, FT)


def test_unified_scores_leave_constant_factors_out_in_fixed_mode():
    functions = [unified_scores.mutual_information_matrix, unified_scores.accuracy_svm_matrix]
    split = arrays((3, 4, 2))
    with_constant = tuple(np.insert(part, 1, 5, axis=1) if i % 2 else part for i, part in enumerate(split))
    expected = unified_scores.score(*split, functions)
    assert unified_scores.score(*split, functions, mode="fixed") == expected
    assert unified_scores.score(*with_constant, functions, mode="fixed") == expected
    with pytest.raises(ValueError, match="at least 2 factors that vary"):
        unified_scores.score(*constant_factor(SPLIT), functions, mode="fixed")


def test_fixed_mode_scores_a_classifier_of_one_factor_on_points_of_others():
    labels, eval_labels = np.zeros(20, dtype=int), np.repeat([0, 1], [30, 10])
    scores = beta_vae.accuracies(C[:20], labels, C[:40], eval_labels, "fixed")
    assert scores == {"train_accuracy": 1.0, "eval_accuracy": 0.75}


def test_infinite_variances_are_named():
    with pytest.raises(ValueError, match="at least 2 latents and 2 points, received 3 and 1"):
        unsupervised_metrics.score(C[:1])
    with pytest.raises(ValueError, match="finite variance, received others in latent 1"):
        unsupervised_metrics.score(C * [1.0, 1e200, 1.0])


def test_gaussian_wasserstein_correlation_of_dependent_latents():
    cov = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 3.0]])  # 10 - 2 (sqrt(2) + 0 + 3)
    expected = 4.0 - 2.0 * np.sqrt(2.0)
    assert unsupervised_metrics.gaussian_wasserstein_correlation(cov) == pytest.approx(expected, abs=1e-6)
    codes = np.hstack([C, C[:, :1]])
    one, other = (unsupervised_metrics.score(codes, mode=mode) for mode in ("dlib", "fixed"))
    assert one["gaussian_wasserstein_correlation"] == pytest.approx(other["gaussian_wasserstein_correlation"], rel=1e-6)


def test_irs_is_nan_in_dlib_mode_if_only_rounding_varies():
    scores = [irs.score(np.hstack([C[:n], np.full((n, 1), 0.1)]), F[:n])["IRS"] for n in range(20, 60)]
    assert 0 < np.isnan(scores).sum() < len(scores)  # a constant of 0.1 has a variance, and sometimes a deviation
    assert np.isnan(irs.scalable_disentanglement_score(F[:9], np.full((9, 1), 0.5))["avg_score"])
    codes = np.hstack([C[:40], np.full((40, 1), 0.1)])
    assert irs.score(codes, F[:40], mode="fixed")["IRS"] == irs.score(C[:40], F[:40], mode="fixed")["IRS"]
