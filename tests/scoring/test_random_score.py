"""A score that must not depend on what a model learned."""

import numpy as np
from scipy.stats import kstest, spearmanr

from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.scoring import RandomScore

IMAGES = ImageSet("grey", ArraySource(np.zeros((50, 4, 4, 1), np.uint8), "grey"))


def score(scale: float, seed: int = 0, models: int = 1) -> float:
    means = scale * np.ones((models, 50, 2), np.float32)
    return RandomScore()(lambda indices: (means[:, indices], np.zeros_like(means[:, indices])), IMAGES, seed).score


def test_scores_are_uniform_and_independent_of_the_posterior():
    scales = np.linspace(0.1, 3, 400)
    scores = [score(scale) for scale in scales]
    assert kstest(scores, "uniform").pvalue > 0.01
    assert abs(spearmanr(scales, scores).statistic) < 0.15


def test_scores_repeat_and_change_with_the_seed():
    assert score(1.0) == score(1.0) != score(1.0, seed=1)
