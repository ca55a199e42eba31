"""The label pool on made-up latents of known factors."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rdl.verdict import Codes
from rdl.verdict.dependence import equal_count_bins, mutual_information, pairwise_information
from rdl.verdict.label_pool import (
    LabelSource,
    PooledLabel,
    PoolRules,
    find_candidates,
    is_one_factor,
    normal_scores,
    select_labels,
)

POINTS = 3000


def encode(*latents):
    """A model's posterior with these means, of a KL of about 2 nats each, and one inactive latent."""
    random = np.random.default_rng(len(latents))
    means = np.stack([*latents, 0 * latents[0]], axis=1)
    means = means + 0.02 * random.standard_normal(means.shape)
    log_variances = np.full(means.shape, -4.0)
    log_variances[:, -1] = 0.0
    means[:, -1] *= 0.01
    return Codes(means, log_variances)


@pytest.fixture
def factors():
    """Three factors: six values, five values and continuous."""
    random = np.random.default_rng(0)
    first, second = random.integers(6, size=POINTS) - 2.5, random.integers(5, size=POINTS) - 2.0
    return first / first.std(), second / second.std(), random.standard_normal(POINTS)


def pool_of(models):
    candidates = find_candidates(
        "x_run", [(f"member_{i}", 0) for i in range(len(models))], range(len(models)), models, seed=1
    )
    return select_labels(candidates, np.zeros((POINTS, 0)), [], PoolRules())


def test_each_factor_comes_from_the_model_that_has_it_alone(factors):
    first, second, _ = factors
    third = np.random.default_rng(1).integers(6, size=POINTS) - 2.5
    turned = [(first + third) / 2, (first - third) / 2]
    found = pool_of([encode(first, (second + third) / 1.5), encode(second, *turned), encode(*turned)])
    assert {str(label.source).split(" ", 1)[0] + str(label.source.latent) for label in found} == {
        "x_run/member_00", "x_run/member_10",
    }  # fmt: skip


def test_a_factor_split_over_two_latents_gives_one_label(factors):
    angle = (factors[0] - factors[0].min()) / np.ptp(factors[0]) * 5
    split = encode(np.cos(angle), np.sin(angle))
    assert len(pool_of([split, split])) == 1
    (whole,) = pool_of([split, encode(angle)])
    assert whole.source.member == "member_1"


def test_a_blurred_latent_that_shares_much_with_another_is_no_label(factors):
    label = PooledLabel(LabelSource("x_run", "member_0", 0, 0), 2.0, discreteness=0.15, dependence=0.4, replication=0.9)
    assert not is_one_factor(label, PoolRules())
    assert is_one_factor(replace(label, dependence=0.1), PoolRules())
    assert is_one_factor(replace(label, discreteness=0.3), PoolRules())


def test_a_factor_of_many_values_needs_replication(factors):
    _, _, third = factors
    other = np.random.default_rng(5).standard_normal(POINTS)
    apart = encode(third, other)
    assert len(pool_of([apart, encode(other, third), encode(third, other)])) == 2
    turned = [encode(np.cos(a) * third + np.sin(a) * other, np.cos(a) * other - np.sin(a) * third) for a in (0.5, 0.9)]
    assert pool_of([apart, *turned]) == []


def test_the_same_factor_of_another_member_becomes_the_judge(factors):
    (label,) = pool_of([encode(factors[0]), encode(-factors[0])])
    assert label.alternate is not None and label.judge.member != label.source.member
    assert PooledLabel.from_json(label.to_json()) == label


def test_known_labels_are_not_selected_again(factors):
    candidates = find_candidates("leaf", [("member_0", 0)], [0], [encode(factors[0], factors[1])], seed=1)
    found = select_labels(candidates, factors[0][:, None], [1.5], PoolRules())
    assert [label.source.latent for label in found] == [1]


def test_mutual_information_has_no_bias_and_reaches_the_entropy():
    random = np.random.default_rng(2)
    chance = [
        mutual_information(*(equal_count_bins(random.standard_normal(1000)) for _ in range(2))) for _ in range(50)
    ]
    assert np.mean(chance) < 0.01
    values = equal_count_bins(random.standard_normal(5000))
    assert mutual_information(values, values) == pytest.approx(np.log(10), abs=0.01)
    angles = random.uniform(0, 2 * np.pi, 5000)
    assert pairwise_information(np.stack([np.cos(angles), np.sin(angles)], axis=1))[0, 1] > 0.8


def test_normal_scores_are_those_of_the_known_values():
    values = np.array([[3.0, np.nan], [1.0, 2.0], [2.0, np.nan]])
    scores = normal_scores(values)
    np.testing.assert_allclose(scores[:, 0], stats.norm.ppf([0.75, 0.25, 0.5]), rtol=1e-6)
    assert scores[1, 1] == 0 and np.isnan(scores[[0, 2], 1]).all()


def test_a_source_is_described_in_full():
    assert str(LabelSource("x_run", "generation_003/member_001", 2, 4)) == "x_run/generation_003/member_001 model 2 z4"


def test_models_of_one_lineage_do_not_replicate_each_other(factors):
    models = [encode(factors[2]), encode(factors[2])]
    names = [("member_0", 0), ("member_1", 0)]
    assert find_candidates("x_run", names, ["same", "same"], models, seed=1)[0].label.replication is None
    assert find_candidates("x_run", names, ["one", "other"], models, seed=1)[0].label.replication > 0.9
