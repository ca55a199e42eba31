"""DCI-ES: the loss-capacity curve in closed form, cut forests against grown forests, and codes with one fault each."""

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
    "inactive latents": np.stack([A, B, 0 * A, 0 * A], 1),
    "independent": NOISE,
}


def score_kind(kind, **settings):
    codes = CODES[kind]
    return dci_es.measure_dci_es(codes[:1000], FACTORS[:1000], codes[1000:], FACTORS[1000:], trees=20, **settings)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.1, 0.1, 0.1, 0.1], 1.0),  # the weakest probe reaches the lowest loss
        ([0.7, 0.5, 0.3, 0.1], 0.0),  # a straight line from the baseline
        ([0.7, 0.7, 0.7, 0.1], 1 - (0.6 + 0.6 + 0.3) / 0.9),  # only the strongest probe is better than the constant
        ([0.7, 0.2, 0.4, 0.1], 1 - (0.35 + 0.1 + 0.05) / 0.9),  # the lowest loss up to each capacity counts
        ([0.9, 0.2, 0.2, 0.1], 1 - (0.35 + 0.1 + 0.05) / 0.9),  # worse than a constant counts as the constant
        ([0.8, 0.7, 0.7, 0.7], 0.0),  # nothing is learned
    ],
)
def test_explicitness_of_a_curve(losses, expected):
    assert dci_es.explicitness((1, 2, 3, 4), losses, 0.7) == pytest.approx(expected)


def test_published_normalisation_divides_by_the_baseline():
    """The released code computes 1 - 2 area / ((k_K - k_1) l_b), with the area above the lowest loss."""
    losses = [0.7, 0.5, 0.3, 0.1]
    area = 0.5 + 0.3 + 0.1
    assert dci_es.explicitness((1, 2, 3, 4), losses, 0.7, "baseline") == pytest.approx(1 - 2 * area / (3 * 0.7))
    assert dci_es.explicitness((1, 2, 3, 4), [0.7] * 4, 0.7, "baseline") == 1.0  # nothing is learned
    with pytest.raises(ValueError, match="normalisation"):
        score_kind("perfect", normalisation="mean")


def test_capacities_need_not_be_evenly_spaced():
    """A line over capacities 0, 1 and 10 has E = 0; after a fall at the first step the area lies between 0 and 1."""
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
    found = score_kind("perfect")
    assert found["explicitness"] == pytest.approx(1, abs=0.01)
    for key in ("dci_es_disentanglement", "dci_es_completeness", "dci_es_informativeness"):
        assert found[key] == pytest.approx(1, abs=0.02)
    assert found["size"] == 1.0


def test_rotated_codes_need_more_capacity_and_have_the_same_size():
    rotated = score_kind("rotated", depths=(1, 2, 3, 4))
    assert rotated["explicitness"] < 0.95 < 0.99 < score_kind("perfect", depths=(1, 2, 3, 4))["explicitness"]
    assert rotated["dci_es_disentanglement"] < 0.2
    assert rotated["size"] == 1.0


def test_a_factor_in_two_latents_is_not_complete():
    """Its importance is halved: completeness 1 - log 2 / log 3 of one factor, 1 of the other."""
    found = score_kind("a factor in two latents")
    assert found["dci_es_disentanglement"] == pytest.approx(1, abs=0.03)
    assert found["dci_es_completeness"] == pytest.approx((1 - np.log(2) / np.log(3) + 1) / 2, abs=0.04)
    assert found["size"] == pytest.approx(2 / 3)


def test_inactive_latents_count_in_the_size():
    found = score_kind("inactive latents")
    assert found["size"] == 0.5
    assert found["dci_es_disentanglement"] == pytest.approx(1, abs=0.02)


def test_independent_codes_are_not_informative():
    assert score_kind("independent")["dci_es_informativeness"] == pytest.approx(0.5, abs=0.1)


def test_result_does_not_depend_on_the_number_of_threads():
    assert score_kind("rotated", workers=1) == score_kind("rotated", workers=2)


@pytest.mark.parametrize("depths", [(3,), (2, 2), (4, 1), (0, 3)])
def test_depths_that_do_not_rise_are_refused(depths):
    with pytest.raises(ValueError, match="rising depths from 1"):
        score_kind("perfect", depths=depths)


def test_invalid_arrays_and_settings_are_refused():
    with pytest.raises(ValueError, match="constant factors only"):
        dci_es.measure_dci_es(NOISE, 0 * FACTORS, NOISE, FACTORS)
    with pytest.raises(ValueError, match="finite"):
        dci_es.measure_dci_es(NOISE * np.nan, FACTORS, NOISE, FACTORS)
