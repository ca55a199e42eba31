"""Labelled images as ground-truth data: each image encoded once, disjoint splits, constant and continuous factors."""

import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.factors import FactorSpace, Grid, Table
from rdl.data.sources import ArraySource
from rdl.metrics import ground_truth
from third_party.disentanglement_lib.evaluation.metrics import beta_vae, dci, factor_vae, mig, sap_score

RANDOM = np.random.default_rng(0)


class Encoder:
    """Codes are the factors that the first pixels hold; counts the encoded images."""

    def __init__(self):
        self.encoded = 0

    def __call__(self, observations):
        self.encoded += len(observations)
        return np.round(observations[:, 0, :, 0] * 255).astype(np.float64)


def image_set(factors, space=None, values=None):
    """Images whose first row holds the factors."""
    pixels = np.zeros((len(factors), 1, factors.shape[1], 1), np.uint8)
    pixels[:, 0, :, 0] = factors
    sizes = factors.max(axis=0) + 1
    space = space or FactorSpace(tuple("abcd"[: factors.shape[1]]), tuple(sizes))
    return ImageSet("own", ArraySource(pixels, "own"), Table(space, factors, values))


@pytest.fixture
def own():
    """200 images with every combination of two factors, many times."""
    return image_set(np.stack(np.unravel_index(np.arange(200) % 12, (3, 4)), axis=1))


def test_each_image_is_encoded_once_for_metrics_that_draw_millions(own):
    encoder = Encoder()
    data, representation, _ = ground_truth.prepare_points(own, encoder)
    probes = encoder.encoded
    scores = beta_vae.compute_beta_vae_sklearn(
        data, representation, np.random.RandomState(0), num_train=300, num_eval=99
    )
    assert scores["eval_accuracy"] == 1.0
    factor_vae.compute_factor_vae(data, representation, np.random.RandomState(0), num_train=99, num_eval=99)
    assert encoder.encoded - probes <= 200
    assert probes <= 32


def test_codes_are_those_of_the_drawn_images(own):
    data, representation, _ = ground_truth.prepare_points(own, Encoder())
    factors, observations = data.sample(500, np.random.RandomState(3))
    np.testing.assert_array_equal(representation(observations), factors)
    expected, _ = own.sample(500, np.random.RandomState(3))
    np.testing.assert_array_equal(factors, expected)  # the draws of the image set


def test_training_and_test_points_come_from_different_images(own):
    data, _, _ = ground_truth.prepare_points(own, Encoder())
    train, test = (part.sample(3000, np.random.RandomState(0))[1] for part in data.train_test())
    assert len(np.unique(train)) == 133 and len(np.unique(test)) == 67
    assert not set(train) & set(test)


def test_noise_is_no_more_informative_than_chance_in_the_originals_form():
    factors = RANDOM.integers(0, [4, 4], size=(150, 2))
    noise = RANDOM.normal(size=(150, 3))
    images = image_set(np.column_stack([factors, np.arange(150)]))
    images = ImageSet("own", images.source, Table(FactorSpace(("a", "b"), (4, 4)), factors))

    def encode(observations):
        return noise[np.round(observations[:, 0, 2, 0] * 255).astype(int)]

    data, representation, _ = ground_truth.prepare_points(images, encode)
    scores = dci.compute_dci(data, representation, np.random.RandomState(0), num_train=600, num_test=300)
    assert scores["informativeness_test"] == pytest.approx(0.25, abs=0.12)
    assert scores["informativeness_train"] > 0.95


def test_a_complete_grid_keeps_the_originals_draws():
    pixels = np.zeros((60, 1, 2, 1), np.uint8)
    pixels[:, 0, :, 0] = np.stack(np.unravel_index(np.arange(60), (6, 10)), axis=1)
    images = ImageSet("grid", ArraySource(pixels, "grid"), Grid.over(("a", "b"), (6, 10)))
    data, representation, _ = ground_truth.prepare_points(images, Encoder())
    received = mig.compute_mig(data, representation, np.random.RandomState(0), num_train=300)
    assert received == mig.compute_mig(images, Encoder(), np.random.RandomState(0), num_train=300)
    train, test = (set(part.sample(900, np.random.RandomState(0))[1]) for part in data.train_test())
    assert not train & test


def test_large_sets_are_not_split(own, monkeypatch):
    monkeypatch.setattr(ground_truth, "MOST_SPLIT", 100)
    data, _, _ = ground_truth.prepare_points(own, Encoder())
    assert data.train_test() == (data, data)


def test_constant_factors_are_left_out():
    numbers = np.stack([np.arange(90) % 3, np.ones(90, int), np.arange(90) // 3 % 5], axis=1)
    data, representation, points = ground_truth.prepare_points(image_set(numbers), Encoder())
    assert points.names == ("a", "c") and data.num_factors == 2
    scores = factor_vae.compute_factor_vae(
        data, representation, np.random.RandomState(0), num_train=200, num_eval=100, mode="fixed"
    )
    assert scores["eval_accuracy"] == 1.0  # 0.67 if a third of the votes were for the constant factor
    assert "factors with one value, left out: b" in points.notes


def test_continuous_factors_come_by_their_values():
    numbers = np.stack([np.arange(120), np.arange(120) % 3], axis=1)
    space = FactorSpace(("height", "kind"), (120, 3), (True, False))
    values = [np.sort(RANDOM.random(120)), np.arange(3)]
    data, representation, points = ground_truth.prepare_points(image_set(numbers, space, values), Encoder())
    factors, observations = data.sample(50, np.random.RandomState(0))
    np.testing.assert_allclose(factors[:, 0], values[0][representation(observations)[:, 0].astype(int)])
    assert data.continuous_factors.tolist() == [True, False] and points.num_values == [1, 3]
    arguments = data, representation
    assert sap_score.compute_sap(*arguments, np.random.RandomState(0), num_train=200, num_test=100)["SAP_score"] > 0.5
    assert mig.compute_mig(*arguments, np.random.RandomState(0), num_train=500)["discrete_mig"] > 0.5
    scores = dci.compute_dci(*arguments, np.random.RandomState(0), num_train=200, num_test=100)
    assert scores["informativeness_test"] > 0.9
    with pytest.raises(ValueError, match="continuous factor 0"):
        factor_vae.compute_factor_vae(*arguments, np.random.RandomState(0))


def test_images_without_labels_are_left_out(own):
    subset = own.subset(np.arange(50, 150))
    data, representation, points = ground_truth.prepare_points(subset, Encoder())
    factors, observations = data.sample(300, np.random.RandomState(0))
    np.testing.assert_array_equal(representation(observations), factors)
    assert len(points.indices) == 100
