"""What makes the numbers of a run's last table: which points train and test, which seeds draw, and what is kept."""

import importlib.util
import types

import gin
import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import GradientBoostingClassifier

from rdl.data import ImageSet
from rdl.data.factors import Grid
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.jobs.stage import Stage
from rdl.metrics import mig_sup
from rdl.runs.layout import MeasureKey
from rdl.scoring import Measurement, Scored, measure
from rdl.scoring.measure import check_trees
from rdl.seeds import derive, generator

KEYS = {
    "discrete_mig",
    "informativeness_train",
    "informativeness_test",
    "disentanglement",
    "completeness",
    "mig_sup",
}
PAIRS = np.stack(np.meshgrid(np.arange(3), np.arange(4), indexing="ij"), -1).reshape(-1, 2)  # each once
TRAIN = np.tile(PAIRS, (5, 1))  # 60 points, the factors independent
TWINS = TRAIN[:, [0, 0, 1, 1]].astype(float)  # each factor twice: which twin a tree splits is the seed's choice


def after(codes, factors, codes_test, factors_test):
    """Training points, then test points."""
    return np.concatenate([codes, codes_test]), np.concatenate([factors, factors_test])


def plain_mig(codes, factors, num_bins=20):
    """MIG by counting, a pair of latent and factor at a time."""
    gaps = []
    for factor in factors.T:
        entropy = stats.entropy(np.unique(factor, return_counts=True)[1])
        known = []
        for latent in codes.T:
            edges = np.linspace(latent.min(), latent.max(), num_bins + 1)[1:-1]
            joint = np.zeros((num_bins, int(factor.max()) + 1))
            np.add.at(joint, (np.digitize(latent, edges), factor), 1)
            parts = [stats.entropy(table) for table in (joint.sum(0), joint.sum(1), joint.ravel())]
            known.append(parts[0] + parts[1] - parts[2])
        second, first = np.sort(known)[-2:]
        gaps.append((first - second) / entropy)
    return np.mean(gaps)


def plain_dci(codes, factors, codes_test, factors_test, seeds):
    """DCI by scikit-learn's trees with these seeds, entropies by scipy."""
    models = [
        GradientBoostingClassifier(random_state=seed).fit(codes, y) for seed, y in zip(seeds, factors.T, strict=True)
    ]
    importance = np.stack([model.feature_importances_ for model in models], axis=1)
    rows, columns = importance.sum(axis=1), importance.sum(axis=0)
    by_row = [1 - stats.entropy(row + 1e-11, base=factors.shape[1]) for row in importance]
    by_column = [1 - stats.entropy(column + 1e-11, base=codes.shape[1]) for column in importance.T]
    accuracies = [
        np.mean([np.mean(model.predict(x) == y) for model, y in zip(models, table.T, strict=True)])
        for x, table in ((codes, factors), (codes_test, factors_test))
    ]
    return {
        "disentanglement": np.average(by_row, weights=rows),
        "completeness": np.average(by_column, weights=columns),
        "informativeness_train": accuracies[0],
        "informativeness_test": accuracies[1],
    }


def test_perfect_codes_score_1_and_the_keys_are_disentanglement_libs():
    scores, _ = measure(*after(TRAIN.astype(float), TRAIN, PAIRS.astype(float), PAIRS), len(TRAIN), 0)
    assert scores == pytest.approx(dict.fromkeys(KEYS, 1.0), abs=1e-6)


def test_the_trees_learn_from_the_first_points_and_are_tested_on_the_others():
    wrong = (PAIRS + np.where(np.arange(len(PAIRS)) < 9, 1, 0)[:, None]) % (3, 4)  # of the test's labels 3 in 12 hold
    scores, _ = measure(*after(TRAIN.astype(float), TRAIN, PAIRS.astype(float), wrong), len(TRAIN), 0)
    assert scores["informativeness_train"] == 1.0
    assert scores["informativeness_test"] == pytest.approx(3 / 12)


def test_mig_and_mig_sup_see_the_training_points_alone():
    noise = np.random.default_rng(0).normal(size=(len(PAIRS), 2))
    scores, _ = measure(*after(TRAIN.astype(float), TRAIN, 100 * noise, PAIRS), len(TRAIN), 0)
    assert (scores["discrete_mig"], scores["mig_sup"]) == pytest.approx((1.0, 1.0))
    scores, _ = measure(*after(np.resize(noise, (len(TRAIN), 2)), TRAIN[::-1], *[PAIRS] * 2), len(TRAIN), 0)
    assert scores["discrete_mig"] < 0.5


def test_mig_and_mig_sup_equal_a_direct_computation():
    random = np.random.default_rng(1)
    mixed = TRAIN @ random.normal(size=(2, 3)) + 0.5 * random.normal(size=(len(TRAIN), 3))
    for num_bins in (20, 4):
        scores, _ = measure(*after(mixed, TRAIN, mixed[:12], PAIRS), len(TRAIN), 0, num_bins)
        assert scores["discrete_mig"] == pytest.approx(plain_mig(mixed, TRAIN, num_bins))
        assert scores["mig_sup"] == mig_sup.score(mixed, TRAIN, num_bins)["mig_sup"]


def test_dci_equals_scikit_learns_trees_with_the_seeds_of_the_one_given():
    found = {}
    for seed in (0, 7):
        scores, _ = measure(*after(TWINS, TRAIN, TWINS[:12], PAIRS), len(TRAIN), seed)
        # A copy of numpy's old generator gives four numbers, and these a generator of the trees' seeds.
        draws = np.random.RandomState(seed).randint(2**31 - 1, size=4)
        seeds = np.random.RandomState(draws).randint(2**31 - 1, size=2)
        expected = plain_dci(TWINS, TRAIN, TWINS[:12], PAIRS, seeds)
        assert {key: scores[key] for key in expected} == pytest.approx(expected)
        found[seed] = scores["completeness"]
    assert found[0] != found[7]


def test_a_constant_factor_and_a_dead_latent_are_no_hindrance():
    factors, dead = np.column_stack([TRAIN, np.zeros(len(TRAIN), int)]), np.zeros((len(TRAIN), 1))
    codes = np.hstack([TRAIN, dead])
    scores, _ = measure(*after(codes, factors, codes, factors), len(TRAIN), 0)
    assert scores == pytest.approx(dict.fromkeys(KEYS, 1.0), abs=1e-6)


def test_what_was_measured_with_is_told_beside_the_scores():
    arrays = after(TRAIN.astype(float), TRAIN, PAIRS.astype(float), PAIRS)
    assert measure(*arrays, 60, 0)[1] == {"num_train": 60, "num_test": 12, "num_bins": 20, "dci_backend": "sklearn"}
    gin.parse_config("measure.num_bins = 5\nmeasure.dci_backend = 'lightgbm'")
    pytest.importorskip("lightgbm")
    scores, settings = measure(*arrays, 50, 0)
    assert settings == {"num_train": 50, "num_test": 22, "num_bins": 5, "dci_backend": "lightgbm"}
    assert scores.keys() == KEYS


def test_lightgbm_is_looked_for_before_the_training(monkeypatch):
    check_trees()  # nothing is bound
    gin.parse_config("measure.dci_backend = 'lightgbm'")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightgbm" else object())
    with pytest.raises(UserError, match=r"needs LightGBM: pip install lightgbm.*measure\.dci_backend = 'sklearn'"):
        check_trees()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    check_trees()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    gin.parse_config("measure.dci_backend = 'sklearn'")
    check_trees()


def test_trees_that_are_none_are_told_before_the_training():
    gin.parse_config("measure.dci_backend = 'xgboost'")
    with pytest.raises(UserError, match=r"measure\.dci_backend must be 'sklearn' or 'lightgbm', got 'xgboost'"):
        check_trees()


class Encoder:
    """Two models' posteriors of a grid's images: one knows each factor twice, the other mixes them."""

    def __init__(self, images):
        self.images, self.asked = images, []

    def __call__(self, indices):
        self.asked.append(indices)
        factors = self.images.factors(indices).astype(float)
        means = np.stack([factors[:, [0, 0, 1, 1]], factors @ np.array([[1.0, 1, 0, 1], [1, -1, 1, 0]])])
        return means, np.full(means.shape, np.log(0.25))


@pytest.fixture
def images():
    return ImageSet("grid", ArraySource(np.zeros((4, 2, 2, 1), np.uint8), "zeros"), Grid.over(("shape", "x"), (2, 2)))


def test_every_model_is_measured_on_the_points_and_by_the_trees_of_the_seed(images):
    found = {}
    for seed in (0, 5):
        encode = Encoder(images)
        scored = found[seed] = Measurement(num_train=40, num_test=20)(encode, images, seed)
        points = generator(seed, "measure").integers(len(images), size=60)
        (asked,) = encode.asked
        np.testing.assert_array_equal(asked, np.unique(points))  # each distinct image once
        factors, codes = images.factors(points), encode(points)[0]
        expected = [measure(c, factors, 40, derive(seed, "measure", "trees"))[0] for c in codes]
        assert scored.details["measured"] == expected
        assert expected[0]["completeness"] != measure(codes[0], factors, 40, seed)[0]["completeness"]
        assert scored.per_model == pytest.approx([plain_mig(c[:40], factors[:40]) for c in codes])
        assert scored.score == pytest.approx(np.mean(scored.per_model))
        assert scored.per_model[0] < 1e-9 < scored.per_model[1]
    assert found[0].details != found[5].details


def test_the_kl_is_the_mean_over_the_points_and_the_settings_are_kept(images):
    points = generator(3, "measure").integers(len(images), size=30)
    encode = Encoder(images)
    scored = Measurement(num_train=20, num_test=10)(encode, images, 3)
    means, _ = encode(points)
    expected = np.mean(0.5 * (means**2 + 0.25 - 1 - np.log(0.25)), axis=1)
    np.testing.assert_allclose(scored.kl, expected)
    assert scored.details["measured_with"] == {
        "measurement.num_train": 20,
        "measurement.num_test": 10,
        "measurement.num_bins": 20,
        "measurement.dci_backend": "sklearn",
    }


def test_the_default_sizes_are_disentanglement_libs():
    assert (Measurement().num_train, Measurement().num_test) == (10_000, 5_000)


def test_a_stage_measures_its_best_model_once_with_the_runs_seed(images, monkeypatch):
    seeds, records = [], {}

    def measurement(encode, images, seed):
        seeds.append(seed)
        means, _ = encode(np.arange(3))
        assert means.shape == (1, 3, 4)
        return Scored(0.5, [0.5], [], {"measured": [{"mig_sup": 0.5}], "measured_with": {"measurement.num_train": 9}})

    def unit(key, function):
        return records[key] if key in records else records.setdefault(key, function())

    def encode(images, indices):
        return tuple(table[0] for table in Encoder(images)(indices))

    monkeypatch.setattr("rdl.jobs.stage.Measurement", lambda: measurement)
    context = types.SimpleNamespace(
        seed=11, run=types.SimpleNamespace(unit=unit), callback=types.SimpleNamespace(on_message=lambda line: None)
    )
    stage = types.SimpleNamespace(context=context, images=images, encode=encode)
    for _ in range(2):
        assert Stage.measure(stage, "final") == {"final.mig_sup": 0.5, "measurement.num_train": 9}
    assert seeds == [11]
    assert records == {MeasureKey("final"): {"mig_sup": 0.5, "measurement.num_train": 9}}
