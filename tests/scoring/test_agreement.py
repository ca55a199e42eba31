"""Agreement of models on codes with a known result, and against loops."""

import numpy as np
import pytest
from scipy import stats

from rdl.scoring import agreement

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.standard_normal((3000, 3))
SAME = -(TRUE[:, [2, 0, 1]] ** 3)  # the same latents in another order, transformed monotonically
MIXED = TRUE @ np.linalg.qr(RANDOM.standard_normal((3, 3)))[0]
CODES = np.stack([TRUE, SAME, MIXED])
KL = np.full((3, 3), 2.0)
ALL = np.ones((3, 3), bool)


def test_equal_latents_agree_and_mixed_latents_do_not():
    found = agreement.agreement(CODES, KL)
    assert (found[0, 1] > 0.9).all() and (found[1, 0] > 0.9).all()
    assert found[0, 2].mean() < 0.6
    assert found[0, 0] == pytest.approx(1, abs=0.1)


def test_agreement_is_a_row_of_the_udr_matrix():
    codes, kl = RANDOM.standard_normal((3, 200, 4)) @ RANDOM.standard_normal((4, 4)), RANDOM.uniform(0, 0.03, (3, 4))
    found = agreement.agreement(codes, kl)
    for i in range(3):
        for j in range(3):
            for a in range(4):
                row = [
                    abs(stats.spearmanr(codes[i][:, a], codes[j][:, b])[0]) * (kl[i, a] > 0.01) * (kl[j, b] > 0.01)
                    for b in range(4)
                ]
                assert found[i, j, a] == pytest.approx(max(row) ** 2 / sum(row) if sum(row) else 0)


def test_replication_is_the_median_over_the_compared_models():
    agreed = RANDOM.uniform(size=(4, 4, 2))
    weights, among = RANDOM.uniform(size=(4, 2)), np.array([[1, 1, 1, 0]] * 3 + [[0, 0, 0, 1]], bool)
    found = agreement.replication(agreed, weights, among)
    assert found[0] == pytest.approx(np.median([agreed[0, j] @ weights[0] for j in (1, 2)]))
    assert found[3] == 0  # has no other model to compare with


def test_replication_prefers_models_with_more_latents_and_udr_those_with_one():
    """Three models with one latent and three with three: each agrees with those of its kind."""
    one = np.stack([TRUE * [1, 0, 0]] * 3)
    kl = np.concatenate([np.tile([3.0, 0, 0], (3, 1)), np.full((3, 3), 1.5)])
    agreed = agreement.agreement(np.concatenate([one, np.stack([TRUE, SAME, TRUE])]), kl)
    like = np.kron(np.eye(2, dtype=bool), np.ones((3, 3), bool))
    nats = agreement.replication(agreed, kl, like)
    assert nats[:3] == pytest.approx(3, abs=0.01)
    assert nats[3:] == pytest.approx(4.5, abs=0.5)


def test_the_most_central_models_are_those_that_others_replicate():
    other = np.random.default_rng(1).standard_normal(TRUE.shape)
    codes = np.stack([TRUE, SAME, other, TRUE])
    found = agreement.centrality(codes, np.full((4, 3), 2.0), 0)
    assert (found[[0, 1, 3]] > found[2] + 0.2).all()
    assert (found == agreement.centrality(codes, np.full((4, 3), 2.0), 0)).all()
    inactive = np.array([[2.0] * 3, [2.0] * 3, [0.0] * 3])
    assert agreement.centrality(CODES, inactive, 0)[2] == 0
