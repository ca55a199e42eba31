"""Scores of a member from its models' posteriors."""

import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.scoring import UDRScore

IMAGES = ImageSet("grey", ArraySource(np.zeros((60, 4, 4, 1), np.uint8), "grey"))
LATENTS = np.random.default_rng(0).standard_normal((60, 3))


def encode(*models):
    """Means of these models at the images asked for, their log variances -4."""
    means = np.stack(models)
    return lambda indices: (means[:, indices], np.full_like(means[:, indices], -4.0))


def test_udr_of_models_that_agree_is_high_and_of_others_low():
    agree = UDRScore()(encode(LATENTS, -LATENTS[:, [2, 0, 1]]), IMAGES, 0)
    mixed = UDRScore()(encode(LATENTS, LATENTS @ [[1, 1, 1], [1, -1, 1], [1, 1, -1]]), IMAGES, 0)
    assert agree.score == pytest.approx(0.9, abs=0.01)  # 1 less the lasso's penalty
    assert mixed.score < 0.7
    assert agree.score == np.mean(agree.per_model) and np.shape(agree.kl) == (2, 3)


def test_udr_needs_two_models_and_says_so_in_one_line():
    with pytest.raises(UserError, match="set population.models = 2 or more, got 1"):
        UDRScore()(encode(LATENTS), IMAGES, 0)


def test_a_dead_model_scores_0_or_is_refused_as_asked_for():
    def dead(indices):
        return np.zeros((2, len(indices), 3)), np.zeros((2, len(indices), 3))

    assert UDRScore()(dead, IMAGES, 0).score == 0.0
    with pytest.raises(UserError, match="a latent with KL above .*UDRScore.mode"):
        UDRScore(mode="dlib")(dead, IMAGES, 0)


@pytest.mark.parametrize("wrong", [{"correlation": "pearson"}, {"mode": "fast"}])
def test_wrong_names_are_refused_before_anything_is_trained(wrong):
    with pytest.raises(UserError, match=f"got .*'{list(wrong.values())[0]}'"):
        UDRScore(**wrong)
