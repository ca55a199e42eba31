"""Scores against those of `brute_force` in the repository, for clones without the reference scores."""

import json

import make_oracle
import numpy as np
import pytest

from third_party.disentanglement_lib.evaluation.metrics import irs, mig, modularity_explicitness, utils
from third_party.disentanglement_lib.evaluation.udr.metrics import udr

ORACLE = json.loads(make_oracle.ORACLE.read_text())
CODES, FACTORS, MODELS, KL = (np.array(ORACLE[name]) for name in ("codes", "factors", "models", "kl"))
SCORES = ORACLE["scores"]


def test_the_oracle_equals_the_output_of_its_command():
    codes, factors = make_oracle.single()
    models, kl = make_oracle.several()
    for kept, made in ((CODES, codes), (FACTORS, factors), (MODELS, models), (KL, kl)):
        np.testing.assert_array_equal(kept, made)
    made = make_oracle.scores()
    assert made.keys() == SCORES.keys()
    for key, value in SCORES.items():
        np.testing.assert_allclose(made[key], value, rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("mode", ["dlib", "fixed"])
def test_scores_of_one_model(mode):
    assert mig.score(CODES, FACTORS, mode=mode)["discrete_mig"] == pytest.approx(SCORES["mig"], rel=1e-9)
    assert irs.score(CODES, FACTORS, mode=mode)["IRS"] == pytest.approx(SCORES["irs"], rel=1e-9)
    furthest = irs.score(CODES, FACTORS, diff_quantile=1.0, mode=mode)["IRS"]
    assert furthest == pytest.approx(SCORES["irs, furthest"], rel=1e-9)
    found = modularity_explicitness.score(CODES, FACTORS, CODES, FACTORS, mode=mode)["modularity_score"]
    assert found == pytest.approx(SCORES["modularity"], rel=1e-9)
    information = utils.discrete_mutual_info(utils.make_discretizer(CODES.T), FACTORS.T)
    assert modularity_explicitness.modularity(information) == pytest.approx(SCORES["modularity"], rel=1e-9)


@pytest.mark.parametrize("mode", ["dlib", "fixed"])
@pytest.mark.parametrize("correlation", ["lasso", "spearman"])
def test_scores_of_several_models(correlation, mode):
    found = udr.score(MODELS, KL, correlation, mode=mode)["model_scores"]
    np.testing.assert_allclose(found, SCORES[f"udr, {correlation}, {mode}"], rtol=1e-9)


def test_the_oracle_distinguishes_its_cases():
    weightless = irs.scalable_disentanglement_score(FACTORS, CODES)["disentanglement_scores"].mean()
    assert abs(weightless - SCORES["irs"]) > 0.01
    pairwise = udr.score(MODELS, KL)["pairwise_disentanglement_scores"][..., 0]
    by_row = [np.median(np.delete(row, i)) for i, row in enumerate(pairwise)]
    assert np.abs(np.array(by_row) - SCORES["udr, lasso, dlib"]).min() > 0.001
