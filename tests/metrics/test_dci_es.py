"""DCI-ES: the loss-capacity curve in closed form, cut forests against grown ones, and codes with one fault each."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from rdl.metrics import dci_es

RANDOM = np.random.default_rng(0)
FACTORS = RANDOM.integers(2, size=(1500, 2))
A, B = FACTORS.T.astype(float)
NOISE = RANDOM.standard_normal((1500, 2))
ANGLE = np.pi / 4
ROTATED = np.stack([A, B], 1) + 0.3 * NOISE

CODES = {
    "perfect": np.stack([A, B], 1),
    "rotated": ROTATED @ np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]]),
    "a factor in two latents": np.stack([A, A, B], 1),
    "dead latents": np.stack([A, B, 0 * A, 0 * A], 1),
    "independent": NOISE,
}


def of(kind, **settings):
    codes = CODES[kind]
    return dci_es.score(codes[:1000], FACTORS[:1000], codes[1000:], FACTORS[1000:], trees=20, **settings)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.1, 0.1, 0.1, 0.1], 1.0),  # the weakest does it
        ([0.7, 0.5, 0.3, 0.1], 0.0),  # a straight line from the baseline
        ([0.7, 0.7, 0.7, 0.1], 1 - (0.6 + 0.6 + 0.3) / 0.9),  # only the strongest
        ([0.7, 0.2, 0.4, 0.1], 1 - (0.35 + 0.1 + 0.05) / 0.9),  # the lowest up to each capacity
        ([0.9, 0.2, 0.2, 0.1], 1 - (0.35 + 0.1 + 0.05) / 0.9),  # worse than a constant counts as the constant
        ([0.8, 0.7, 0.7, 0.7], 0.0),  # nothing is learned
    ],
)
def test_explicitness_of_a_curve(losses, expected):
    assert dci_es.explicitness((1, 2, 3, 4), losses, 0.7) == pytest.approx(expected)


def test_capacities_need_not_be_evenly_spaced():
    """A line over 0, 1, 10 is a line: 0. Down at once from 1 on: all above l* lies between 0 and 1."""
    assert dci_es.explicitness((0, 1, 10), [1.0, 0.9, 0.0], 1.0) == pytest.approx(0)
    assert dci_es.explicitness((0, 1, 10), [1.0, 0.0, 0.0], 1.0) == pytest.approx(1 - 0.5 / 5)


def test_a_tree_that_is_cut_is_the_tree_grown_to_that_depth():
    codes = RANDOM.standard_normal((400, 3)).astype(np.float32)
    labels = (4 * codes[:, 0] * codes[:, 1] + codes[:, 2]).round().astype(int) % 5
    settings = {"n_estimators": 1, "bootstrap": False, "max_features": None, "random_state": 0}
    cut = dci_es.predictions(RandomForestClassifier(**settings).fit(codes, labels), codes, (1, 2, 5, 40))
    for depth, found in zip((1, 2, 5, 40), cut, strict=True):
        grown = RandomForestClassifier(max_depth=depth, **settings).fit(codes, labels)
        np.testing.assert_array_equal(found, grown.predict(codes))
    forest = RandomForestClassifier(10, random_state=0).fit(codes, labels)
    np.testing.assert_array_equal(dci_es.predictions(forest, codes, (100,))[0], forest.predict(codes))


def test_perfect_codes():
    found = of("perfect")
    assert found["explicitness"] == pytest.approx(1, abs=0.01)
    for key in ("dci_es_disentanglement", "dci_es_completeness", "dci_es_informativeness"):
        assert found[key] == pytest.approx(1, abs=0.02)
    assert found["size"] == 1.0


def test_a_rotation_takes_more_capacity_and_leaves_the_size():
    rotated = of("rotated", depths=(1, 2, 3, 4))
    assert rotated["explicitness"] < 0.95 < 0.99 < of("perfect", depths=(1, 2, 3, 4))["explicitness"]
    assert rotated["dci_es_disentanglement"] < 0.2
    assert rotated["size"] == 1.0


def test_a_factor_in_two_latents_is_not_complete():
    """Its importance is halved: completeness 1 - log 2 / log 3 of one factor, 1 of the other."""
    found = of("a factor in two latents")
    assert found["dci_es_disentanglement"] == pytest.approx(1, abs=0.03)
    assert found["dci_es_completeness"] == pytest.approx((1 - np.log(2) / np.log(3) + 1) / 2, abs=0.04)
    assert found["size"] == pytest.approx(2 / 3)


def test_dead_latents_are_size():
    found = of("dead latents")
    assert found["size"] == 0.5
    assert found["dci_es_disentanglement"] == pytest.approx(1, abs=0.02)


def test_independent_codes_tell_nothing():
    assert of("independent")["dci_es_informativeness"] == pytest.approx(0.5, abs=0.1)


def test_threads_change_nothing():
    assert of("rotated", workers=1) == of("rotated", workers=2)


@pytest.mark.parametrize("depths", [(3,), (2, 2), (4, 1), (0, 3)])
def test_depths_that_do_not_rise(depths):
    with pytest.raises(ValueError, match="rising depths from 1"):
        of("perfect", depths=depths)


def test_what_cannot_be_scored():
    with pytest.raises(ValueError, match="constant factors only"):
        dci_es.score(NOISE, 0 * FACTORS, NOISE, FACTORS)
    with pytest.raises(ValueError, match="finite"):
        dci_es.score(NOISE * np.nan, FACTORS, NOISE, FACTORS)
