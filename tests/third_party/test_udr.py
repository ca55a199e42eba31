"""UDR against reference scores and against scikit-learn's and scipy's functions; and its invariances."""

import json
from pathlib import Path

import brute_force
import numpy as np
import pytest
from metric_cases import Grid, number
from scipy import stats
from sklearn import linear_model

from third_party.disentanglement_lib.evaluation.udr.metrics import lasso, udr

EXPECTED = Path(__file__).resolve().parents[3] / "shared" / "oracle" / "expected.json"


def models(seed=0, num_models=4, num_points=300, num_latents=4):
    """Codes of models with the same latents in other orders and signs, with noise."""
    generator = np.random.default_rng(seed)
    base = generator.normal(size=(num_points, num_latents))
    codes = [
        base[:, generator.permutation(num_latents)] * generator.choice([-1.0, 1.0], num_latents)
        + 0.1 * generator.normal(size=base.shape)
        for _ in range(num_models)
    ]
    return np.stack(codes), np.ones((num_models, num_latents))


def _results():
    if not EXPECTED.is_file():
        return ["udr.lasso.two_models"]
    return sorted(json.loads(EXPECTED.read_text())["udr"])


@pytest.mark.data
@pytest.mark.parametrize("name", _results())
def test_equals_the_original(name, expected, reference_arrays):
    expected = expected["udr"][name]
    arrays = reference_arrays("udr")
    codes, kl = arrays["reps"], arrays["kl"]
    if name == "relative_strength":
        for case in expected:
            received = udr.relative_strength_disentanglement(number(case["matrix"]))
            assert received == pytest.approx(case["score"], rel=1e-12)
    elif "correlation" in name:
        function, pair = name.split(".")
        first, second = (codes[int(i)] for i in pair.split("_"))
        received = getattr(udr, function)(first, second)
        np.testing.assert_allclose(received, number(expected), rtol=1e-9, atol=1e-12, equal_nan=True)
    elif name.endswith("models_of_different_width"):
        with pytest.raises(ValueError, match="expected equal shapes"):
            udr.score([codes[0], codes[1][:, :5]], [kl[0], kl[1][:5]])
    elif name.endswith("with_a_fully_collapsed_model"):
        with pytest.raises(ValueError, match="none in model 5"):
            udr.score(codes, np.where(np.arange(6)[:, None] == 5, 0.0, kl))
    elif name.endswith("two_models"):
        check(udr.score(codes[:2], kl[:2]), expected)
    else:
        _, correlation, keep, threshold = name.split(".", 3)
        check(udr.score(codes, kl, correlation, float(threshold[4:]), keep == "filter_True"), expected)


def check(received, expected):
    for key, value in expected.items():
        np.testing.assert_allclose(received[key], number(value), rtol=1e-9, atol=1e-12, equal_nan=True, err_msg=key)


@pytest.mark.data
def test_one_model_scores_nan_in_dlib_mode_and_is_refused_in_fixed_mode(shared):
    edge = json.loads((shared / "oracle" / "edge.json").read_text())["udr: one model"]
    codes, kl = models()
    check(udr.score(codes[:1], kl[:1]), edge)
    with pytest.raises(ValueError, match="at least 2 models"):
        udr.score(codes[:1], kl[:1], mode="fixed")


def test_lasso_stops_where_a_naive_descent_with_the_same_rule_stops():
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(50, 3)) @ np.array([[1, 0.95, 0], [0, 0.3, 0], [0, 0, 1.0]])
    targets = generator.normal(size=(50, 2)) * 0.3 + inputs[:, [0, 2]]
    penalty = 0.1 * 50
    received = lasso.coefficients(inputs.T @ inputs, inputs.T @ targets, (targets**2).sum(axis=0), penalty)
    for column, target in zip(received.T, targets.T, strict=True):
        np.testing.assert_allclose(column, brute_force.lasso(inputs, target, penalty), atol=1e-12)


def test_lasso_equals_scikit_learn_where_the_descent_converges():
    (first, second), _ = models(num_models=2)
    expected = np.abs(linear_model.Lasso(alpha=0.1, tol=1e-10).fit(first, second).coef_).T
    np.testing.assert_allclose(udr.lasso_correlation_matrix(first, second), expected, atol=2e-4)


def test_spearman_equals_scipy_with_ties():
    generator = np.random.default_rng(2)
    first, second = generator.integers(5, size=(2, 60, 3)).astype(float)
    received = udr.spearman_correlation_conv(first, second)
    expected = [[abs(stats.spearmanr(a, b).statistic) for b in second.T] for a in first.T]
    np.testing.assert_allclose(received, expected, atol=1e-12)


@pytest.mark.parametrize("correlation", ["lasso", "spearman"])
def test_order_sign_and_scale_of_latents_do_not_matter(correlation):
    codes, kl = models()
    generator = np.random.default_rng(3)
    moved = np.stack([c[:, generator.permutation(4)] * generator.choice([-1, 1], 4) * 3.0 + 1.0 for c in codes])
    expected, received = (udr.score(c, kl, correlation)["model_scores"] for c in (codes, moved))
    np.testing.assert_allclose(received, expected, atol=2e-3 if correlation == "lasso" else 1e-9)
    assert expected.min() > 0.75


def test_spearman_does_not_change_under_monotone_maps_and_unrelated_models_score_low():
    codes, kl = models()
    expected = udr.score(codes, kl, "spearman")["model_scores"]
    np.testing.assert_allclose(udr.score(codes**3 + codes, kl, "spearman")["model_scores"], expected, atol=1e-12)
    noise = np.random.default_rng(4).normal(size=codes.shape)
    assert udr.score(noise, kl, "spearman")["model_scores"].max() < 0.15


def test_fixed_mode_corrects_threshold_inactive_models_and_average():
    codes, kl = models()
    low = np.where(np.arange(4) == 0, 0.005, kl)  # a latent between the user's threshold and the original's 0.01
    assert udr.score(codes, low, kl_threshold=0.001)["raw_correlations"][0, 1, 0].max() == 0.0
    fixed = udr.score(codes, low, kl_threshold=0.001, mode="fixed")
    assert fixed["raw_correlations"][0, 1, 0].max() > 0.5
    collapsed = np.where(np.arange(4)[:, None] == 2, 0.0, kl)
    scores = udr.score(codes, collapsed, mode="fixed")["model_scores"]
    assert scores[2] == 0.0 and scores[[0, 1, 3]].min() > 0.75
    matrix = np.array([[1.0, 0.0, 0.0]])  # one active latent against three: 1 + (1 + 0 + 0) over 4 lines
    rows, columns = np.ones(1, bool), np.ones(3, bool)
    assert udr._pair_scores(matrix, rows, columns, by_latent=True) == pytest.approx(2 / 4)
    assert udr.relative_strength_disentanglement(matrix) == pytest.approx((1 + 1 / 3) / 2)


def test_the_original_interface_samples_in_batches_and_averages_kl():
    data = Grid((5, 7))
    functions = [
        lambda x: (np.stack([x[:, 0], x[:, 1]], 1) * 1.0, np.array([1.0, float(len(x))])),
        lambda x: (np.stack([-x[:, 1], x[:, 0]], 1) * 2.0, np.array([1.0, 1.0])),
    ]
    scores = udr.compute_udr_sklearn(data, functions, np.random.RandomState(0), 10, 100)
    assert sorted(scores) == ["model_scores", "pairwise_disentanglement_scores", "raw_correlations"]
    assert min(scores["model_scores"]) > 0.8
    assert "raw_correlations" not in udr.compute_udr_sklearn(
        data, functions, np.random.RandomState(0), 10, 100, include_raw_correlations=False
    )
    with pytest.raises(ValueError, match="a multiple of batch_size 30"):
        udr.compute_udr_sklearn(data, functions, np.random.RandomState(0), 30, 100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, k: (c, k[:, :3]), "kl: expected numbers"),
        (lambda c, k: (np.where(c > 2, np.nan, c), k), "nan or inf in latent"),
        (lambda c, k: (c[0], k), "expected equal shapes"),
    ],
)
def test_bad_arrays_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        udr.score(*change(*models()))
    with pytest.raises(ValueError, match='expected "lasso" or "spearman"'):
        udr.score(*models(), correlation="pearson")


def test_a_lasso_of_one_latent_is_refused_in_dlib_mode_and_scored_in_fixed_mode():
    codes, kl = models(num_latents=1)
    with pytest.raises(ValueError, match="at least 2 latents for a Lasso"):
        udr.score(codes, kl)
    assert udr.score(codes, kl, mode="fixed")["model_scores"].min() > 0.8
    assert udr.score(codes, kl, "spearman")["model_scores"].min() > 0.8
