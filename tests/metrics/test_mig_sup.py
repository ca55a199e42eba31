"""MIG-sup and MIG, by bins and by samples, on codes with one fault each; the estimator against closed forms."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from rdl.data import ImageSet
from rdl.data.factors import Grid
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.metrics import mig_sup
from rdl.scoring import chen
from third_party.disentanglement_lib.evaluation.metrics import mig

FACTORS = np.stack(np.meshgrid(np.arange(4), np.arange(5), np.arange(12), indexing="ij"), -1).reshape(-1, 3)[:, :2]
A, B = FACTORS.T.astype(float)
INACTIVE = 1e-3 * np.random.default_rng(0).standard_normal(len(A))

CODES = {
    "perfect": np.stack([A, B], 1),
    "a factor in two latents": np.stack([A, A, B], 1),
    "two factors in a latent": np.stack([A + 4 * B, INACTIVE], 1),
    "inactive latents": np.stack([A, INACTIVE, B, INACTIVE], 1),
}
EXPECTED = {  # MIG, MIG-sup
    "perfect": (1, 1),
    "a factor in two latents": (0.5, 1),  # MIG is 0 for the factor in two latents, 1 for the other
    "two factors in a latent": (1, 0),
    "inactive latents": (1, 1),
}


def in_bins(codes):
    sup = mig_sup.compute_mig_sup(codes, FACTORS)
    return mig.score(codes, FACTORS, mode="fixed")["discrete_mig"], sup["mig_sup"]


def by_samples(codes):
    inactive = codes.std(axis=0) < 0.01
    # Inactive latents have the variance of the prior; active latents are sharp.
    log_variances = np.where(inactive, 0.0, np.log(1e-4)) * np.ones_like(codes)
    found = chen.compute_chen_scores(codes, log_variances, FACTORS, seed=1)
    return found["mig_chen"], found["mig_sup_chen"]


@pytest.mark.parametrize("measure", [in_bins, by_samples])
@pytest.mark.parametrize("kind", CODES)
def test_codes_with_one_fault_each(kind, measure):
    # With 240 points, binned noise has a little information on every factor: only the inactive latent.
    assert measure(CODES[kind]) == pytest.approx(
        EXPECTED[kind], abs=0.15 if "factors" in kind or "inactive" in kind else 0.02
    )


def test_an_active_latent_without_information_lowers_only_mig_sup():
    noise = np.random.default_rng(1).standard_normal(len(A))
    with_noise = np.stack([A, B, noise], 1)
    assert mig_sup.compute_mig_sup(with_noise, FACTORS)["mig_sup"] == pytest.approx(2 / 3, abs=0.1)
    assert mig_sup.compute_mig_sup(with_noise, FACTORS)["active"] == 3


def test_gaps_are_reported_by_latent_and_inactive_models_score_0():
    found = mig_sup.compute_mig_sup(CODES["inactive latents"], FACTORS)
    assert set(found["per_latent"]) == {0, 2}
    inactive = np.stack([INACTIVE, INACTIVE], 1)
    assert mig_sup.compute_mig_sup(inactive, FACTORS)["mig_sup"] == 0.0
    assert chen.compute_chen_scores(inactive, np.zeros_like(inactive), FACTORS, seed=0)["mig_sup_chen"] == 0.0


def test_active_latents_are_those_with_variance():
    column = np.where(np.arange(len(A)) % 2, 0.1, -0.1)  # variance 0.01: not above it
    assert mig_sup.compute_mig_sup(np.stack([A, column], 1), FACTORS)["active"] == 1
    assert mig_sup.compute_mig_sup(np.stack([A, 1.01 * column], 1), FACTORS)["active"] == 2


def test_constant_factors_are_left_out():
    with_constant = np.column_stack([FACTORS, np.zeros(len(A), int)])
    assert mig_sup.compute_mig_sup(CODES["perfect"], with_constant) == mig_sup.compute_mig_sup(
        CODES["perfect"], FACTORS
    )
    with pytest.raises(UserError, match="at least two values"):
        mig_sup.compute_mig_sup(CODES["perfect"], np.zeros((len(A), 1), int))


def test_entropies_equal_a_direct_computation():
    random = np.random.default_rng(2)
    samples, means, log_variances = random.normal(size=(3, 300))
    log_q = norm(means, np.exp(log_variances / 2)).logpdf(samples[:, None])
    direct = -np.mean(logsumexp(log_q, axis=1) - np.log(300))
    assert chen._entropy(samples, means, log_variances) == pytest.approx(direct, rel=1e-5)


def test_entropy_of_two_far_normals_is_log_2_above_that_of_one():
    random = np.random.default_rng(3)
    means, log_variances = np.repeat([-50.0, 50.0], 500), np.full(1000, np.log(0.25))
    samples = means + 0.5 * random.standard_normal(1000)
    one = 0.5 * np.log(2 * np.pi * np.e * 0.25)
    assert chen._entropy(samples, means, log_variances) == pytest.approx(one + np.log(2), abs=0.05)


def test_mutual_information_of_a_noisy_latent_is_the_closed_form():
    # z | a ~ N(a, 1), a in {-1, 1}: I(z; a) is that of a binary input to a channel with Gaussian noise, 0.337 nats.
    z = np.linspace(-12, 12, 20_001)
    density = (norm.pdf(z, -1) + norm.pdf(z, 1)) / 2
    expected = -np.sum(density * np.log(density)) * (z[1] - z[0]) - 0.5 * np.log(2 * np.pi * np.e)
    factor = np.repeat([0, 1], 3000)
    means = np.stack([2.0 * factor - 1, np.zeros(6000)], 1)
    found = chen.compute_chen_scores(means, np.zeros_like(means), factor[:, None], seed=4)
    assert found["mig_chen"] * np.log(2) == pytest.approx(expected, abs=0.03)


def test_entropies_of_a_factors_values_are_weighted_by_their_frequency():
    # Nine of ten images have value 0, for which z is at one of two distant points; value 1 has a single point.
    factor = np.repeat([0, 1], [900, 100])
    places = np.where(factor == 1, 0.0, np.where(np.arange(1000) % 2, 50.0, -50.0))
    means = np.stack([places, np.zeros(1000)], 1)
    found = chen.compute_chen_scores(means, np.zeros_like(means), factor[:, None], seed=5)
    one = 0.5 * np.log(2 * np.pi * np.e)
    marginal = one - 0.1 * np.log(0.1) - 0.9 * np.log(0.45)
    expected = marginal - (0.1 * one + 0.9 * (one + np.log(2)))  # the entropy of the factor, 0.325 nats
    assert expected == pytest.approx(-0.1 * np.log(0.1) - 0.9 * np.log(0.9))
    assert found["mig_chen"] * np.log(2) == pytest.approx(expected, abs=0.03)


@pytest.fixture
def images():
    source = ArraySource(np.zeros((20, 2, 2, 1), np.uint8), "zeros")
    return ImageSet("grid", source, Grid.over(("shape", "scale"), (4, 5)))


def test_a_factor_can_be_left_out(images):
    def encode(indices):  # the scale, and no information on the shape
        scale = images.factors(indices)[:, 1].astype(float)
        means = np.stack([scale, np.zeros(len(indices))], 1)[None]
        return means, np.where(means.std(axis=1, keepdims=True) > 0, -9.0, 0.0) * np.ones_like(means)

    (everything,) = chen.ChenMeasurement()(encode, images, 0).details["measured"]
    (without,) = chen.ChenMeasurement(exclude=("shape",))(encode, images, 0).details["measured"]
    assert everything["mig_chen"] == pytest.approx(0.5, abs=0.05)
    assert without["mig_chen"] == pytest.approx(1.0, abs=0.05)
    with pytest.raises(UserError, match="colour"):
        chen.ChenMeasurement(exclude=("colour",))(encode, images, 0)


def test_entropies_may_be_estimated_on_some_images(images):
    calls = []

    def encode(indices):
        calls.append(indices)
        return np.random.default_rng(0).normal(size=(1, len(indices), 2)), np.zeros((1, len(indices), 2))

    chen.ChenMeasurement(num_images=15)(encode, images, 3)
    chen.ChenMeasurement(num_images=1000)(encode, images, 3)
    assert [len(np.unique(indices)) for indices in calls] == [15, 20]
