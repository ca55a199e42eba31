"""InfoMEC on codes with one fault each, and its parts against closed forms."""

import numpy as np
import pytest
from scipy import integrate, stats

from rdl.metrics import infomec

RANDOM = np.random.default_rng(0)
FACTORS = RANDOM.integers([3, 2], size=(3000, 2)) + np.array([5, 0])
A, B = FACTORS.T.astype(float)
NOISE = RANDOM.standard_normal((3000, 3))
JITTER = 0.02 * NOISE  # makes latents continuous

CODES = {
    "perfect": np.stack([A, B], 1) + JITTER[:, :2],
    "a factor in two latents": np.stack([A, A, B], 1) + JITTER,
    "rotated": np.stack([A + B, A - B], 1) + JITTER[:, :2],
    "two factors in a latent": (A + 3 * B)[:, None] + JITTER[:, :1],
    "inactive latents": np.stack([A, B, 0 * A, 1e-3 * NOISE[:, 0]], 1) + np.pad(JITTER[:, :2], ((0, 0), (0, 2))),
    "independent": NOISE,
}
# Rotated: A + B is 0 .. 3 and A - B -1 .. 2 with chances 1, 2, 2, 1 of 6, so that I(A; z) = H(z) - log 2 and I(B; z) =
# H(z) - log 3, H(z) = log 6 - (2 / 3) log 2; the shares of both latents are I(A; z) / H(A) over both.
H_Z = np.log(6) - 2 / 3 * np.log(2)
OF_A, OF_B = (H_Z - np.log(2)) / np.log(3), (H_Z - np.log(3)) / np.log(2)
EXPECTED = {  # InfoM, InfoC, InfoE, active latents
    "perfect": (1, 1, 1, 2),
    "a factor in two latents": (1, (0.75 - 1 / 3) / (2 / 3), 1, 3),
    "rotated": (2 * OF_A / (OF_A + OF_B) - 1, 0, 1, 2),
    "two factors in a latent": (0, 1, None, 1),
    "inactive latents": (1, 1, 1, 2),
    "independent": (None, None, 0, 3),
}


@pytest.mark.parametrize("kind", CODES)
def test_codes_with_one_fault_each(kind):
    found = infomec.measure_infomec(CODES[kind], FACTORS)
    for key, expected in zip(("infom", "infoc", "infoe", "active_latents"), EXPECTED[kind], strict=True):
        if expected is not None:
            assert found[key] == pytest.approx(expected, abs=0.03), key


def test_modularity_of_given_information():
    normalized = np.array([[0.8, 0.1, 0.0], [0.2, 0.3, 0.0]])
    assert infomec.modularity(normalized) == pytest.approx((np.mean([0.8, 0.75, 0.5]) - 0.5) / 0.5)
    assert infomec.modularity(normalized.T) == pytest.approx((np.mean([8 / 9, 3 / 5]) - 1 / 3) / (2 / 3))
    assert infomec.modularity(np.ones((1, 4))) == 1.0
    assert infomec.modularity(np.zeros((2, 0))) == 0.0


def test_information_equals_that_of_a_mixture_of_two_normals():
    """z is N(0, 1) or N(2, 1): I(s; z) = H(z) - H(N(0, 1))."""
    labels = RANDOM.integers(2, size=(1, 8000))
    codes = 2.0 * labels[0] + RANDOM.standard_normal(8000)

    def density(z):
        return (stats.norm.pdf(z) + stats.norm.pdf(z, 2)) / 2

    entropy = integrate.quad(lambda z: -density(z) * np.log(density(z)), -8, 10)[0]
    (found,) = infomec._information(codes[:, None], labels, 10, 0)
    assert found[0] == pytest.approx(entropy - 0.5 * np.log(2 * np.pi * np.e), abs=0.02)


def test_explicitness_measures_linear_probes():
    """B = sign(z_0 z_1) is a function of the latents, but not a linear one."""
    codes = RANDOM.standard_normal((3000, 2))
    labels = (codes.prod(axis=1) > 0).astype(int)[:, None]
    assert infomec.measure_infomec(codes, labels)["infoe"] == pytest.approx(0, abs=0.02)
    assert infomec.measure_infomec(codes.prod(axis=1)[:, None], labels)["infoe"] > 0.95


def test_result_does_not_depend_on_scale_and_offset_of_a_latent():
    one = infomec.measure_infomec(CODES["perfect"], FACTORS)
    other = infomec.measure_infomec(CODES["perfect"] * [1.0, 3.0] + [100.0, -7.0], FACTORS)
    assert other == {key: pytest.approx(value, abs=1e-6) for key, value in one.items()}


def test_points_drawn_several_times_count_once():
    codes, factors = NOISE[:300, :2], FACTORS[:300]
    again = np.tile(np.arange(300), 20)
    assert infomec.measure_infomec(codes[again], factors[again]) == infomec.measure_infomec(codes, factors)


def test_no_active_latent_and_a_constant_factor():
    found = infomec.measure_infomec(np.zeros((len(A), 2)), FACTORS)
    assert found == {"infom": 0.0, "infoe": pytest.approx(0, abs=1e-9), "infoc": 0.0, "active_latents": 0}
    with_constant = np.stack([A, 0 * A, B], 1).astype(int)
    codes = CODES["perfect"]
    assert infomec.measure_infomec(codes, with_constant)["infom"] == pytest.approx(
        infomec.measure_infomec(codes, FACTORS)["infom"]
    )


@pytest.mark.parametrize(
    ("codes", "factors", "settings", "message"),
    [
        (np.full((9, 2), np.nan), np.arange(9)[:, None], {}, "finite"),
        (np.ones(9), np.arange(9)[:, None], {}, r"\[n, latents\]"),
        (np.ones((9, 2)), np.ones((9, 1), int), {}, "constant factors only"),
        (np.ones((90, 2)), np.linspace(0, 1, 90)[:, None], {}, "discrete factors"),
        (np.ones((9, 2)), np.arange(9)[:, None], {"neighbours": 0}, "neighbours"),
    ],
)
def test_invalid_arrays_and_settings_are_refused(codes, factors, settings, message):
    with pytest.raises(ValueError, match=message) as error:
        infomec.measure_infomec(codes, factors, **settings)
    assert "\n" not in str(error.value)
