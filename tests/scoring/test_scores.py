"""Scores of a member from its models' posteriors."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.recursion import LeafLabels
from rdl.scoring import LeafMIGScore, UDRScore, name_of

IMAGES = ImageSet("grey", ArraySource(np.zeros((60, 4, 4, 1), np.uint8), "grey"))
LATENTS = np.random.default_rng(0).standard_normal((60, 3))


def encode(*models):
    """Encode function with the means of these models and log variances of -4."""
    means = np.stack(models)
    return lambda indices: (means[:, indices], np.full_like(means[:, indices], -4.0))


def test_udr_is_high_for_models_that_agree_and_low_for_others():
    agree = UDRScore()(encode(LATENTS, -LATENTS[:, [2, 0, 1]]), IMAGES, 0)
    mixed = UDRScore()(encode(LATENTS, LATENTS @ [[1, 1, 1], [1, -1, 1], [1, 1, -1]]), IMAGES, 0)
    assert agree.score == pytest.approx(0.9, abs=0.01)  # 1 minus the penalty of the lasso
    assert mixed.score < 0.7
    assert np.shape(agree.kl) == (2, 3)


def test_udr_of_a_member_is_a_mean_over_models_of_medians_over_pairs():
    noise = np.random.default_rng(1).standard_normal((4, 60, 3))
    models = [LATENTS, LATENTS + 0.3 * noise[0], -LATENTS[:, [2, 0, 1]] + 0.6 * noise[1], noise[2] + 0.5 * LATENTS]
    found = UDRScore()(encode(*models), IMAGES, 0)
    pairs = np.array(found.details["pairwise_udr"])
    medians = [np.median(np.delete(pairs[:, model], model)) for model in range(4)]
    assert len(set(np.round(medians, 3))) == 4
    assert found.per_model == pytest.approx(medians)
    assert found.score == pytest.approx(np.mean(medians))
    assert found.score < max(medians) - 0.1


def with_active(*counts, models=None):
    """Models of 1,000 points and ten latents with these numbers of active latents, in different orders."""
    random = np.random.default_rng(2)
    factors = random.uniform(-1.7, 1.7, (1000, 10))
    parts = []
    for number, count in enumerate(counts):
        codes = factors[:, :count] if models is None else models(factors[:, :count], number)
        means = 0.01 * random.standard_normal((1000, 10))
        means[:, :count] = codes[:, random.permutation(count)]
        parts.append((means, np.where(np.arange(10) < count, -4.0, 0.0)))
    means, log_variances = (np.stack(part) for part in zip(*parts, strict=True))
    return lambda indices: (means[:, indices], np.repeat(log_variances[:, None], len(indices), axis=1))


MANY = ImageSet("grey", ArraySource(np.zeros((1000, 1, 1, 1), np.uint8), "grey"))


def rotated(factors, number):
    return factors @ ortho_group.rvs(factors.shape[1], random_state=number)


def test_details_hold_the_number_of_active_latents():
    assert UDRScore()(with_active(1, 3, 10), MANY, 0).details["active_latents"] == [1, 3, 10]
    assert UDRScore(kl_threshold=10.0)(with_active(1, 3), MANY, 0).details["active_latents"] == [0, 0]


def test_udr_saturates_with_one_active_latent_and_corrected_udr_does_not():
    assert UDRScore()(with_active(1, 1, 1), MANY, 0).score == pytest.approx(0.9, abs=0.001)
    assert UDRScore(chance_corrected=True)(with_active(1, 1, 1), MANY, 0).score == pytest.approx(0.0, abs=1e-6)
    noisy = with_active(1, 1, 1, models=lambda factors, number: factors + 0.5 * rotated(factors[::-1], 0))
    assert UDRScore(chance_corrected=True)(noisy, MANY, 0).score == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("correlation", ["lasso", "spearman"])
@pytest.mark.parametrize("count", [3, 6, 10])
def test_corrected_udr_is_1_for_equal_latents_and_0_for_rotated_latents(correlation, count):
    score = UDRScore(chance_corrected=True, correlation=correlation)
    same = score(with_active(*[count] * 5), MANY, 0)
    assert same.score == pytest.approx(1.0, abs=0.01)
    by_chance = [
        score(with_active(*[count] * 5, models=lambda f, n, start=start: rotated(f, 5 * start + n)), MANY, 0).score
        for start in range(1, 5)
    ]
    assert np.mean(by_chance) == pytest.approx(0.0, abs=0.1)
    if correlation == "lasso":
        assert same.details["udr_reachable"] == pytest.approx([0.9] * 5, abs=0.01)


def test_corrected_udr_follows_its_equation():
    noisy = with_active(2, 3, 3, models=lambda f, n: f + 0.3 * rotated(f[::-1], n) if f.shape[1] > 1 else f)
    found = UDRScore(chance_corrected=True)(noisy, MANY, 0)
    udr, chance, most = (np.array(found.details[key]) for key in ("udr", "udr_by_chance", "udr_reachable"))
    assert found.per_model == pytest.approx((udr - chance) / (most - chance))
    assert found.score == pytest.approx(np.mean(found.per_model))
    assert udr.tolist() == UDRScore()(noisy, MANY, 0).per_model


def test_every_model_has_its_own_rotation():
    one = UDRScore(chance_corrected=True)(encode(LATENTS, LATENTS, LATENTS), IMAGES, 0)
    assert one.score == pytest.approx(1.0, abs=0.02)  # with equal rotations, chance would be as high


def test_chance_does_not_depend_on_the_scale_of_a_latent():
    even, uneven = (
        UDRScore(chance_corrected=True)(with_active(3, 3, 3, models=lambda f, n, s=scale: f * s), MANY, 0)
        for scale in ([1, 1, 1], [30, 1, 1])
    )
    assert uneven.details["udr_by_chance"] == pytest.approx(even.details["udr_by_chance"])


def test_rotations_depend_on_the_seed_alone():
    points = with_active(3, 3, 3, models=rotated)
    scores = [UDRScore(chance_corrected=True)(points, MANY, seed).score for seed in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_an_inactive_model_is_no_better_than_chance():
    assert UDRScore(chance_corrected=True)(with_active(0, 0, 0), MANY, 0).score == 0.0


def test_replication_sums_over_the_latents_that_udr_averages_over():
    found = [UDRScore(replication=True)(with_active(count, count, count), MANY, 0) for count in (0, 1, 3)]
    assert [round(scored.score, 1) for scored in found[:2]] == [0.0, 1.0]
    assert 2.5 < found[2].score <= 3.0
    assert found[2].details["udr"] == UDRScore()(with_active(3, 3, 3), MANY, 0).per_model
    assert [name_of(score) for score in (UDRScore(), UDRScore(replication=True))] == ["UDR", "replication"]
    with pytest.raises(UserError, match="set one of them"):
        UDRScore(chance_corrected=True, replication=True)


def test_models_with_fewer_active_latents_than_min_active_score_0():
    few = with_active(1, 3, 3)
    assert UDRScore(min_active=1)(few, MANY, 0).per_model[0] > 0.3
    found = UDRScore(min_active=2)(few, MANY, 0)
    assert found.per_model == [0.0, *UDRScore()(few, MANY, 0).per_model[1:]]


LEAF = LeafLabels().add(np.arange(60), LATENTS[:, :1].astype(np.float32))


def test_images_of_leaf_mig_depend_on_the_seed_of_its_construction():
    calls = []

    def encode(indices):
        calls.append(indices.tolist())
        return LATENTS[None, indices], np.full((1, len(indices), 3), -4.0)

    for made, scored in ((0, 0), (0, 1), (1, 0)):
        LeafMIGScore([LEAF], 20, seed=made)(encode, IMAGES, scored)
    assert len(calls[0]) == 20
    assert calls[0] == calls[1] != calls[2]


def test_udr_of_one_model_is_refused_in_one_line():
    with pytest.raises(UserError, match="set population.models = 2 or more, got 1"):
        UDRScore()(encode(LATENTS), IMAGES, 0)


def test_an_inactive_model_scores_0_or_is_refused_by_mode():
    def inactive(indices):
        return np.zeros((2, len(indices), 3)), np.zeros((2, len(indices), 3))

    assert UDRScore()(inactive, IMAGES, 0).score == 0.0
    with pytest.raises(UserError, match="a latent with KL above .*UDRScore.mode"):
        UDRScore(mode="dlib")(inactive, IMAGES, 0)


@pytest.mark.parametrize("wrong", [{"correlation": "pearson"}, {"mode": "fast"}, {"rotations": 0}])
def test_invalid_settings_are_refused_before_training(wrong):
    with pytest.raises(UserError, match=f"got .*{list(wrong.values())[0]}"):
        UDRScore(**wrong)
