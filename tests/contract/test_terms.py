"""Checks for every registered objective that terms scaled by a hyperparameter are called ``weighted_..``."""

import numpy as np
import pytest
import tensorflow as tf

from rdl.models.vae import VAE
from tests.contract.test_objectives import IMAGES, model, variants


@pytest.mark.parametrize("name", variants())
def test_a_term_that_carries_a_weight_is_called_weighted(name):
    (vae,) = model(name).models
    plain = terms(vae, {})
    assert "reconstruction" in plain
    for hyperparameter, value in vae.hyperparameters.items():
        moved = terms(vae, {hyperparameter: 2.0 * value + 1.0})
        changed = {term for term, size in plain.items() if moved[term] != size}
        assert all(term.startswith("weighted_") for term in changed), f"{hyperparameter} changes {sorted(changed)}"


def terms(vae: VAE, changes: dict[str, float]) -> dict[str, float]:
    """The terms of all players, half-way through any annealing."""
    images = tf.constant(IMAGES.images(np.arange(6)), tf.float32) / 255.0
    values = {key: tf.constant(value, tf.float32) for key, value in (vae.hyperparameters | changes).items()}
    losses = vae.losses(images, tf.constant([1, 2]), tf.constant(50_000), tf.constant(64.0), values)
    return {term: float(size) for found in losses.values() for term, size in found.items()}
