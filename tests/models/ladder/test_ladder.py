"""The ladder in training: gradients, the schedule in the graph, resuming in the middle of a step."""

import subprocess
import sys
from pathlib import Path

import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl import models
from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.models.distributions import kl_to_prior
from rdl.models.ladder.ladder_vae import LadderVAE
from rdl.models.ladder.levels import gates_of
from rdl.training import Trainer
from tests.small_models import SMALL_LADDER

IMAGES = ImageSet("random", ArraySource(np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), np.uint8), "random"))
CONFIG = """
model.encoder = @ladder_encoder
model.decoder = @ladder_decoder
model.objective = @pro_vlae
model.num_latents = 6
ladder_encoder.filters = (4, 4, 4)
ladder_decoder.filters = (4, 4, 4)
ladder_encoder.width = 8
ladder_decoder.width = 8
progressive.updates_per_step = 6
progressive.fade_in_updates = 4
pro_vlae.beta = 3.0
pro_vlae.coefficient = 0.25
"""


def ladder(*bindings: str) -> models.Ensemble:
    gin.parse_config([CONFIG, *bindings])
    return models.build(IMAGES.shape)


def train(trainer: Trainer, updates: int, seed: int, **options):
    settings = {"batch_size": 8, "learning_rate": 1e-2, "seed": seed}
    return trainer.train(IMAGES, updates * 8, **settings, **options)["vae"]


def losses(model: LadderVAE, update: int):
    images = tf.constant(IMAGES.images(np.arange(8)), tf.float32) / 255.0
    values = {name: tf.constant(value) for name, value in model.hyperparameters.items()}
    return model.losses(images, tf.constant([1, 2]), tf.constant(update), tf.constant(64.0), values)["vae"]


def gradients(model: LadderVAE, update: int) -> dict[str, float]:
    """Largest absolute gradient of each level's posterior head and first decoder layer."""
    decoder_inputs = {layer.name: layer for layer in model.decoder.layers}
    weights = {}
    for name in model.levels.names:
        weights[f"{name} posterior"] = model.encoder.get_layer(f"{name}_means").kernel.value
        following = decoder_inputs[name].output._keras_history.operation._outbound_nodes[0].operation
        weights[f"{name} decoder"] = following.kernel.value
    with tf.GradientTape() as tape:
        loss = tf.add_n(list(losses(model, update).values()))
    found = tape.gradient(loss, list(weights.values()))
    return {name: float(tf.reduce_max(tf.abs(g))) for name, g in zip(weights, found, strict=True)}


def test_gradients_flow_to_active_levels_and_stop_before_inactive_decoders():
    (model,) = ladder().models
    for update, active in ((3, {"level_3"}), (8, {"level_3", "level_2"}), (100, {"level_3", "level_2", "level_1"})):
        found = gradients(model, update)
        for name in model.levels.names:
            assert (found[f"{name} decoder"] > 0) == (name in active), (update, name)
            assert found[f"{name} posterior"] > 0  # inactive posteriors learn from the pre-training KL


def test_terms_are_the_reconstruction_and_each_levels_weighted_kl():
    (model,) = ladder().models
    terms = losses(model, 7)
    posterior = model.encode(tf.constant(IMAGES.images(np.arange(8)), tf.float32) / 255.0)
    kl = kl_to_prior(posterior.loc, posterior.log_variance).numpy().mean(axis=0)
    assert set(terms) == {"reconstruction", *(f"weighted_kl_{name}" for name in model.levels.names)}
    for name, where, weight in (
        ("level_3", slice(0, 2), 3),
        ("level_2", slice(2, 4), 3),
        ("level_1", slice(4, 6), 0.25),
    ):
        assert np.isclose(terms[f"weighted_kl_{name}"], weight * kl[where].sum(), rtol=1e-5)


def test_the_schedule_follows_the_updates_through_segments_in_one_trace():
    trainer = Trainer(ladder())
    model = trainer.model.models[0]

    def decoder_gates():
        return [float(gate.gate) for gate in sorted(gates_of(model.decoder), key=lambda gate: -gate.level)]

    seen = []
    for segment in range(9):  # 2 updates each
        train(trainer, 2, seed=segment)
        seen.append(decoder_gates())
    assert seen == [
        [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0.25, 0], [1, 0.75, 0], [1, 1, 0], [1, 1, 0.25], [1, 1, 0.75], [1, 1, 1],
    ]  # fmt: skip
    assert trainer.traces == 1
    trainer.initialize(0)
    train(trainer, 1, seed=0)
    assert decoder_gates() == [1, 0, 0]


def test_weights_and_optimiser_state_carry_over_into_the_next_step():
    trainer = Trainer(ladder())
    train(trainer, 6, seed=0)
    before = trainer.state()

    def first_of_step_2(state):  # with a learning rate of 0, so that only Adam's moments change
        trainer.set_state(state)
        trainer.train(IMAGES, 8, batch_size=8, learning_rate=0.0, seed=1)
        return trainer.state()

    after = first_of_step_2(before)
    moments = [name for name in before if "first_moments" in name]
    anew = first_of_step_2(before | {name: np.zeros_like(before[name]) for name in moments})
    for name, array in before.items():
        if name in moments:
            assert np.allclose(after[name], 0.9 * array + anew[name], atol=1e-6), name
        elif "second_moments" not in name and not name.endswith(("gate", "updates")):
            assert np.array_equal(array, after[name]), name
    assert any(np.abs(before[name]).max() > 1e-3 for name in moments)
    assert after["updates"] == 7


def test_a_stop_in_the_middle_of_a_fade_in_changes_nothing():
    trainer = Trainer(ladder())
    trainer.initialize(5)
    train(trainer, 8, seed=1)
    middle = trainer.state()  # two updates into step 2, the fade-in at 1/2
    train(trainer, 6, seed=2)
    whole = trainer.state()
    other = Trainer(ladder())
    other.set_state(middle)
    train(other, 6, seed=2)
    resumed = other.state()
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        assert np.array_equal(array, resumed[name]), name


def test_a_search_may_change_beta_and_coefficient_without_retracing():
    trainer = Trainer(ladder())
    first = train(trainer, 1, seed=0, hyperparameters={"beta": 1.0, "coefficient": 0.0})
    assert first["weighted_kl_level_1"] == 0.0
    trainer.initialize(0)
    second = train(trainer, 1, seed=0, hyperparameters={"beta": 4.0, "coefficient": 2.0})
    assert np.isclose(second["weighted_kl_level_3"], 4 * first["weighted_kl_level_3"], rtol=1e-5)
    assert second["weighted_kl_level_1"] > 0
    assert trainer.traces == 1


def test_an_ensemble_of_ladders_gives_every_levels_latents():
    gin.parse_config(CONFIG)
    ensemble = models.build(IMAGES.shape, 2)
    means, log_variances = ensemble.posterior_parameters(tf.constant(IMAGES.images(np.arange(3))))
    assert means.shape == log_variances.shape == (2, 3, 6)


@pytest.mark.slow
def test_two_replicas_take_the_steps_of_one():
    """Runs in another process, since logical devices must be made before TensorFlow starts."""
    script = Path(__file__).with_name("ladder_on_two_replicas.py")
    config = f"{SMALL_LADDER}\nprogressive.updates_per_step = 4\nprogressive.fade_in_updates = 3\n"
    result = subprocess.run([sys.executable, str(script), config], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    one, two = (float(value) for value in result.stdout.split()[-2:])
    assert np.isclose(one, two, rtol=1e-4)
