"""The measurement of a run: its training and test points, its seeds, and the settings that it records."""

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
from rdl.metrics import mig_sup, splits
from rdl.runs.keys import MeasureKey
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
JITTER = 1e-3 * np.random.default_rng(0).normal(size=TRAIN.shape)  # no two points are equal


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


def split_of(codes, factors, num_train, seed):
    return splits.split_distinct(codes, factors, num_train, derive(seed, "split"))


def test_perfect_codes_score_1_under_the_keys_of_disentanglement_lib():
    scores, _ = measure(TRAIN + JITTER, TRAIN, 40, 0)
    assert scores == pytest.approx(dict.fromkeys(KEYS, 1.0), abs=0.1)  # factors of few points are not independent


@pytest.mark.parametrize("num", [200, 600])
def test_noise_drawn_several_times_is_no_more_informative_than_chance(num):
    """Points drawn with replacement: an image in training must not be in the test."""
    random = np.random.default_rng(0)
    factors = np.stack([random.integers(8, size=num), random.integers(4, size=num)], axis=1)
    codes = random.normal(size=(num, 3))
    drawn = random.integers(num, size=900)
    scores, _ = measure(codes[drawn], factors[drawn], 600, 0)
    assert scores["informativeness_test"] == pytest.approx(0.1875, abs=0.08)


def test_constant_codes_are_no_more_informative_than_chance():
    random = np.random.default_rng(0)
    factors = random.integers(4, size=(600, 2))
    scores, _ = measure(np.zeros((600, 3)), factors, 400, 0)
    assert scores["informativeness_test"] == pytest.approx(0.25, abs=0.08)


def test_mig_and_mig_sup_read_the_training_points():
    random = np.random.default_rng(1)
    mixed = TRAIN @ random.normal(size=(2, 3)) + 0.5 * random.normal(size=(len(TRAIN), 3))
    train, test = split_of(mixed, TRAIN, 40, 0)
    assert (len(train), len(test)) == (40, 20)
    for num_bins in (20, 4):
        scores, _ = measure(mixed, TRAIN, 40, 0, num_bins)
        assert scores["discrete_mig"] == pytest.approx(plain_mig(mixed[train], TRAIN[train], num_bins))
        assert scores["mig_sup"] == mig_sup.compute_mig_sup(mixed[train], TRAIN[train], num_bins)["mig_sup"]


def test_dci_equals_scikit_learns_trees_with_the_seeds_of_the_one_given():
    completeness = {}
    for seed in (0, 7):
        codes = np.repeat(TRAIN + JITTER, 2, axis=1)  # each factor twice: the trees' seeds choose between the two
        scores, _ = measure(codes, TRAIN, 40, seed)
        train, test = split_of(codes, TRAIN, 40, seed)
        # A copy of numpy's old generator gives four numbers, and these a generator of the trees' seeds.
        draws = np.random.RandomState(seed).randint(2**31 - 1, size=4)
        seeds = np.random.RandomState(draws).randint(2**31 - 1, size=2)
        expected = plain_dci(codes[train], TRAIN[train], codes[test], TRAIN[test], seeds)
        assert {key: scores[key] for key in expected} == pytest.approx(expected)
        completeness[seed] = scores["completeness"]
    assert completeness[0] != completeness[7]


def test_constant_factors_and_inactive_latents_do_not_change_perfect_scores():
    factors = np.column_stack([TRAIN, np.zeros(len(TRAIN), int)])
    codes = np.column_stack([TRAIN + JITTER, np.zeros(len(TRAIN))])
    scores, _ = measure(codes, factors, 40, 0)
    assert scores == pytest.approx(dict.fromkeys(KEYS, 1.0), abs=0.1)


def test_scores_that_compare_factors_are_undefined_if_one_factor_varies():
    """Two factors, one of them constant: DCI disentanglement would be 1 for noise too."""
    random = np.random.default_rng(0)
    codes, varying = random.normal(size=(300, 3)), random.integers(0, 4, 300)
    scores, settings = measure(codes, np.stack([varying, 0 * varying], axis=1), 200, 0)
    assert scores.keys() == KEYS - {"disentanglement", "mig_sup"}
    assert "disentanglement, mig_sup" in settings["undefined"]


def test_continuous_factors_are_measured_by_bins_and_regression_trees():
    random = np.random.default_rng(0)
    factors = random.random((400, 2))
    scores, settings = measure(factors + 0.02 * random.normal(size=(400, 2)), factors, 270, 0, continuous=True)
    assert settings["continuous"] == 2
    assert scores["discrete_mig"] > 0.4
    assert scores["informativeness_test"] > 0.9
    assert scores["disentanglement"] > 0.9


def test_settings_of_the_measurement_come_with_the_scores():
    codes = TRAIN + JITTER
    assert measure(codes, TRAIN, 40, 0)[1] == {
        "num_train": 40, "num_test": 20, "num_bins": 20, "dci_backend": "sklearn",
    }  # fmt: skip
    gin.parse_config("measure.num_bins = 5\nmeasure.dci_backend = 'lightgbm'")
    pytest.importorskip("lightgbm")
    scores, settings = measure(codes, TRAIN, 50, 0)
    assert settings == {"num_train": 50, "num_test": 10, "num_bins": 5, "dci_backend": "lightgbm"}
    assert scores.keys() == KEYS


def test_lightgbm_is_checked_before_the_training(monkeypatch):
    check_trees()  # nothing is bound
    gin.parse_config("measure.dci_backend = 'lightgbm'")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightgbm" else object())
    with pytest.raises(UserError, match=r"LightGBM.*measure\.dci_backend"):
        check_trees()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    check_trees()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    gin.parse_config("measure.dci_backend = 'sklearn'")
    check_trees()


def test_unknown_trees_are_refused_before_the_training():
    gin.parse_config("measure.dci_backend = 'xgboost'")
    with pytest.raises(UserError, match=r"measure\.dci_backend.*xgboost"):
        check_trees()


class Encoder:
    """Posteriors of two models for a grid's images: one encodes each factor twice, the other mixes the factors."""

    def __init__(self, images):
        self.images, self.calls = images, []

    def __call__(self, indices):
        self.calls.append(indices)
        factors = self.images.factors(indices).astype(float)
        jitter = 1e-3 * np.random.default_rng(0).normal(size=(len(self.images), 1))[indices]
        means = np.stack([factors[:, [0, 0, 1, 1]], factors @ np.array([[1.0, 1, 0, 1], [1, -1, 1, 0]])]) + jitter
        return means, np.full(means.shape, np.log(0.25))


def grid(*sizes):
    pixels = np.zeros((int(np.prod(sizes)), 2, 2, 1), np.uint8)
    return ImageSet("grid", ArraySource(pixels, "zeros"), Grid.over(tuple("abcd"[: len(sizes)]), sizes))


@pytest.fixture
def images():
    return grid(8, 8)


def test_every_model_is_measured_on_the_points_and_by_the_trees_of_the_seed(images):
    details = {}
    for seed in (0, 5):
        encode = Encoder(images)
        scored = Measurement(num_train=40, num_test=20)(encode, images, seed)
        (encoded,) = encode.calls
        points = np.sort(generator(seed, "measure").permutation(len(images))[:60])
        np.testing.assert_array_equal(encoded, points)  # each image once
        factors, codes = images.factors(points), encode(points)[0]
        trees = derive(seed, "measure", "trees")
        assert scored.details["measured"] == [measure(c, factors, 40, trees)[0] for c in codes]
        assert scored.score == pytest.approx(np.mean(scored.per_model))
        assert scored.per_model[0] < 1e-9 < scored.per_model[1]
        details[seed] = scored.details
    assert details[0] != details[5]


def test_a_small_set_is_measured_on_each_image_once_in_the_same_proportion(images):
    encode = Encoder(images)
    scored = Measurement()(encode, images, 0)
    (encoded,) = encode.calls
    np.testing.assert_array_equal(encoded, np.arange(64))
    settings = scored.details["measured_with"]
    assert (settings["measurement.num_train"], settings["measurement.num_test"]) == (43, 21)
    assert any("64 labelled points are few" in note for note in scored.details["notes"])


def test_noise_on_a_small_set_is_no_more_informative_than_chance():
    images = grid(4, 4, 20)

    def encode(indices):
        means = np.random.default_rng(0).normal(size=(len(images), 5))[indices][None]
        return means, np.zeros_like(means)

    scored = Measurement(200, 100)(encode, images.subset(np.arange(0, 320, 2)), 0)
    assert scored.details["measured"][0]["informativeness_test"] < 0.35  # chance 0.25, 0.25 and 0.1


def test_a_factor_of_many_values_is_measured_as_continuous_and_may_be_declared_discrete():
    images = grid(2, 180)
    continuous = Measurement().expected_seconds(images)
    scored = Measurement(200, 100)(Encoder(images), images, 0)
    assert scored.details["measured_with"]["measurement.continuous"] == 1
    assert any(note.startswith("continuous factors: b (180 values") for note in scored.details["notes"])
    gin.parse_config("labelled_points.discrete = ('b',)")
    assert Measurement().expected_seconds(images) > 50 * continuous


def test_the_kl_is_the_mean_over_the_points_and_the_settings_are_recorded(images):
    encode = Encoder(images)
    scored = Measurement(num_train=20, num_test=10)(encode, images, 3)
    means, _ = encode(encode.calls[0])
    expected = np.mean(0.5 * (means**2 + 0.25 - 1 - np.log(0.25)), axis=1)
    np.testing.assert_allclose(scored.kl, expected)
    assert scored.details["measured_with"] == {
        "measurement.num_train": 20,
        "measurement.num_test": 10,
        "measurement.num_bins": 20,
        "measurement.dci_backend": "sklearn",
    }


def test_default_sizes_are_those_of_disentanglement_lib():
    assert (Measurement().num_train, Measurement().num_test) == (10_000, 5_000)


def test_a_stage_measures_its_best_model_once_with_the_runs_seed(images, monkeypatch):
    seeds, records, lines = [], {}, []

    class FakeMeasurement:
        def expected_seconds(self, images):
            return 100.0

        def __call__(self, encode, images, seed):
            seeds.append(seed)
            means, _ = encode(np.arange(3))
            assert means.shape == (1, 3, 4)
            settings = {"measurement.num_train": 9}
            details = {"measured": [{"mig_sup": 0.5}], "measured_with": settings, "notes": ["few points"]}
            return Scored(0.5, [0.5], [], details)

    def unit(key, function):
        return records[key] if key in records else records.setdefault(key, function())

    def encode(images, indices):
        return tuple(table[0] for table in Encoder(images)(indices))

    monkeypatch.setattr("rdl.jobs.stage.Measurement", FakeMeasurement)
    context = types.SimpleNamespace(
        seed=11, run=types.SimpleNamespace(unit=unit), callback=types.SimpleNamespace(on_message=lines.append)
    )
    stage = types.SimpleNamespace(context=context, images=images, encode=encode)
    for _ in range(2):
        assert Stage.measure(stage, "final") == {"final.mig_sup": 0.5, "measurement.num_train": 9}
    assert seeds == [11]
    assert lines == ["measuring final on the true factors, about 2 min", "few points"]
    assert records == {MeasureKey("final"): {"mig_sup": 0.5, "measurement.num_train": 9}}
