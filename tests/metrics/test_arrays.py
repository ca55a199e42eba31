"""All metrics on arrays: splits, row order, degenerate and continuous factors, swapped axes."""

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.metrics import arrays, mig_sup
from third_party.disentanglement_lib.evaluation.metrics import dci, mig, sap_score

SIZES = (3, 4, 5)
FAST = ("mig", "sap_score", "modularity_explicitness", "infomec")


def points(num=900, seed=0):
    random = np.random.default_rng(seed)
    factors = random.integers(0, SIZES, size=(num, 3))
    return factors + 0.2 * random.normal(size=factors.shape), factors


def score(codes, factors, *test, **options):
    lines = []
    results = dict(arrays.score_arrays(codes, factors, *test, on_message=lines.append, **options))
    return results, lines


def test_result_does_not_depend_on_the_order_of_rows():
    codes, factors = points()
    order = np.lexsort(factors.T)  # as a grid is written
    first, lines = score(codes, factors, metrics=(*FAST, "factor_vae_metric"))
    second, _ = score(codes[order], factors[order], metrics=(*FAST, "factor_vae_metric"))
    assert first == second
    assert first["sap_score"]["SAP_score"] > 0.3
    assert any("600 points train and 300 test" in line for line in lines)


def test_another_split_seed_gives_another_split():
    codes, factors = points()
    values = [score(codes, factors, metrics=["sap_score"], split_seed=seed)[0]["sap_score"] for seed in (0, 1)]
    assert values[0] != values[1]


def test_a_given_test_split_is_used_as_it_is():
    codes, factors = points()
    parts = codes[:600], factors[:600], codes[600:], factors[600:]
    results, _ = score(*parts, metrics=["mig", "sap_score"])
    assert results == {"mig": mig.score(*parts[:2]), "sap_score": sap_score.score(*parts)}


def test_mig_is_defined_if_one_point_has_a_value():
    codes, factors = points()
    rare = (np.arange(900) == 899).astype(int)
    results, _ = score(codes, np.column_stack([factors, rare]), metrics=["mig"])
    assert np.isfinite(results["mig"]["discrete_mig"])


def test_noise_is_not_informative():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(300, 4)), random.integers(4, size=(300, 2))
    results, lines = score(codes, factors, metrics=["dci"])
    assert results["dci"]["informativeness_test"] == pytest.approx(0.25, abs=0.1)
    assert any("300 labelled points are few" in line for line in lines)


def test_constant_factors_do_not_count():
    codes, factors = points()
    with_constant, lines = score(codes, np.column_stack([factors, 0 * factors[:, 0]]), metrics=FAST)
    assert with_constant == score(codes, factors, metrics=FAST)[0]
    assert "factors with one value, left out: 3" in lines


@pytest.mark.parametrize("mode", ["dlib", "fixed"])
def test_scores_that_compare_factors_are_undefined_with_one_factor(mode):
    codes, factors = points()
    factors = np.column_stack([factors[:, 0], 0 * factors[:, 0]])
    names = ["dci", "mig_sup", "modularity_explicitness", "infomec", "factor_vae_metric"]
    results, _ = score(codes, factors, metrics=names, mode=mode)
    keys = {"dci": "disentanglement", "mig_sup": "mig_sup", "modularity_explicitness": "modularity_score",
            "infomec": "infom", "factor_vae_metric": "eval_accuracy"}  # fmt: skip
    for metric, key in keys.items():
        assert key not in results[metric]
        assert f"{key}" in results[metric]["undefined"]
    assert "completeness" in results["dci"]


def test_one_factor_may_be_a_row_of_numbers_or_of_words():
    codes, factors = points()
    expected, _ = score(codes, factors[:, :1], metrics=["mig"])
    assert score(codes, factors[:, 0], metrics=["mig"])[0] == expected
    assert score(codes, np.array(["a", "b", "c"])[factors[:, 0]], metrics=["mig"])[0] == expected


def test_texts_are_read_as_in_label_files():
    codes, factors = points()
    angles = factors.astype(float) + np.random.default_rng(1).uniform(size=factors.shape)
    expected = score(codes, angles, metrics=["mig"])
    assert score(codes, angles.astype(str), metrics=["mig"]) == expected
    assert any("continuous" in line for line in expected[1])
    for mark in ("NA", "?", "", "none"):
        with pytest.raises(UserError, match="factors"):
            score(codes, np.where(np.arange(900)[:, None] == 7, mark, factors.astype(str)), metrics=["mig"])


def test_continuous_factors_are_recognised_and_scored():
    random = np.random.default_rng(0)
    factors = np.column_stack([random.random((600, 2)), np.arange(600) % 3])
    codes = factors * [3.0, -2.0, 1.0] + 0.03 * random.normal(size=factors.shape)
    names = ["mig", "sap_score", "dci", "infomec", "modularity_explicitness", "factor_vae_metric", "mig_sup"]
    results, lines = score(codes, factors, metrics=names)
    assert any(line.startswith("continuous factors: 0 (600 values") for line in lines)
    assert results["mig"]["discrete_mig"] > 0.5
    assert results["mig_sup"]["mig_sup"] > 0.5
    assert results["sap_score"]["SAP_score"] > 0.7
    assert results["dci"]["disentanglement"] > 0.9 and results["dci"]["informativeness_test"] > 0.9
    assert results["infomec"]["infoe"] > 0.9 and results["infomec"]["infom"] > 0.8
    assert "modularity_score" in results["modularity_explicitness"]
    assert "factor 0 is continuous" in results["modularity_explicitness"]["undefined"]
    assert "share one value" in results["factor_vae_metric"]["error"]


def test_noise_explains_no_continuous_factor():
    random = np.random.default_rng(0)
    results, _ = score(random.normal(size=(600, 3)), random.random((600, 2)), metrics=["dci", "mig", "infomec"])
    assert results["dci"]["informativeness_test"] < 0.05
    assert results["mig"]["discrete_mig"] < 0.05
    assert results["infomec"]["infoe"] < 0.05


def test_a_factor_of_many_whole_values_takes_one_tree_a_round():
    """360 classes of three points each took 2:19 minutes."""
    codes, factors = points(1000)
    angle = np.random.default_rng(1).integers(360, size=1000)
    results, lines = score(np.column_stack([codes, angle / 90]), np.column_stack([factors, angle]), metrics=["dci"])
    assert results["dci"]["informativeness_test"] > 0.9
    assert any("3 (" in line and "values on 1,000 points" in line for line in lines)


def test_a_declared_discrete_factor_comes_with_an_estimate_of_time(monkeypatch):
    monkeypatch.setattr(dci, "score", lambda *arguments, **options: {})
    codes, factors = points(1000)
    factors = np.column_stack([factors, np.arange(1000) % 360])
    _, lines = score(codes, factors, metrics=["dci"], discrete=["3"])
    assert any(line.startswith("dci: about") for line in lines)


def test_a_long_metric_reports_its_progress(monkeypatch):
    monkeypatch.setattr(arrays, "_LONG", 0)
    codes, factors = points(150)
    _, lines = score(codes, factors, metrics=["dci"])
    assert [line for line in lines if "of 3 factors" in line] == [f"dci: {done} of 3 factors" for done in (1, 2, 3)]


def test_results_come_one_by_one():
    codes, factors = points()
    results = arrays.score_arrays(codes, factors, metrics=["sap_score", "mig"])
    assert next(results)[0] == "mig"  # in the order of cost
    assert next(results)[0] == "sap_score"


@pytest.mark.parametrize(
    ("codes", "factors", "name"),
    [
        (np.ones((3, 1500)), np.ones((3, 3)), "transpose"),
        (np.ones((30, 2)), np.ones((30, 40)), "transpose"),
        (np.ones((30, 2)), np.ones((30, 2)), "constant factors"),
        (np.full((30, 2), np.nan), np.ones((30, 2)), "codes"),
        (np.ones((2, 2)), np.eye(2), "at least 3 points"),
        (np.ones((30, 2, 2)), np.ones((30, 2)), "codes"),
    ],
)
def test_invalid_arrays_are_refused(codes, factors, name):
    with pytest.raises(UserError, match=name):
        list(arrays.score_arrays(codes, factors))


def test_unknown_metrics_and_modes_are_refused():
    for options, name in (
        ({"metrics": ["beta"]}, "beta"),
        ({"mode": "exact"}, "exact"),
        ({"continuous": ["x"]}, "'x'"),
    ):
        with pytest.raises(UserError, match=name):
            list(arrays.score_arrays(*points(60), **options))


def test_a_metric_that_fails_names_its_reason_and_the_others_follow():
    codes, factors = points()
    results, _ = score(np.column_stack([codes, 0 * codes[:, 0]]), factors, metrics=["modularity_explicitness", "irs"])
    assert "latent 3" in results["modularity_explicitness"]["error"]
    assert "IRS" in results["irs"]


def test_mig_sup_of_arrays_is_that_of_the_function():
    codes, factors = points()
    results, _ = score(codes, factors, metrics=["mig_sup"])
    assert results["mig_sup"]["mig_sup"] == pytest.approx(mig_sup.compute_mig_sup(codes, factors)["mig_sup"])
