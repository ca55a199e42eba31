"""Synthetic staircases."""

import numpy as np
import pytest


def _staircase(sizes, noise=0.02, seed=0, levels=None, tails=False):
    """Makes a shuffled label [sum of sizes] with the values 0, 1, .. (or `levels`) and noise.

    The noise has the standard deviation `noise`, one number or one per step. It is spread evenly over each
    step, or normal where `tails` is set.

    Returns the label, float32, and the step of each image, int64.
    """
    generator = np.random.default_rng(seed)
    steps = generator.permutation(np.repeat(np.arange(len(sizes)), sizes))
    levels = np.arange(len(sizes)) if levels is None else np.asarray(levels)
    deviations = generator.standard_normal(len(steps))
    if not tails:
        for step, size in enumerate(sizes):
            deviations[steps == step] = generator.permutation(np.linspace(-1, 1, size)) * np.sqrt(3)
    noise = np.broadcast_to(noise, len(sizes))
    return (levels[steps] + noise[steps] * deviations).astype(np.float32), steps


@pytest.fixture(scope="session")
def staircase():
    return _staircase
