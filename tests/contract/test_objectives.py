"""Checks every registered objective, including future ones, at extreme values and in training."""

import itertools
import re
from pathlib import Path
from typing import get_type_hints

import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl.data import FactorSpace, ImageSet
from rdl.data.factors import Table
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.models import build, replicas
from rdl.models.distributions import DiagonalNormal
from rdl.models.vae import VAE_PLAYER, Ensemble
from rdl.training import Trainer
from tests.contract import discovery

SHAPE, LATENTS = (8, 8, 1), 6
RAREST = 5.42
NETWORKS = (("small_fc_encoder", "small_fc_decoder"), ("ladder_encoder", "ladder_decoder"))
LABELS = "few_labels.objective = @beta_tc_vae\nlabels.count = 20\npooled_labels.objective = @beta_tc_vae\n"
SMALL = (
    LABELS
    + "small_fc_encoder.widths = (8,)\nsmall_fc_decoder.widths = (8,)\nfc_discriminator.width = 8\n"
    + "\n".join(
        f"ladder_{part}.{size}" for part in ("encoder", "decoder") for size in ("filters = (2, 2, 2)", "width = 8")
    )
)
PIXELS = np.random.default_rng(0).integers(0, 256, (41, *SHAPE), np.uint8)
FACTORS = Table(FactorSpace(("row", "column"), (7, 6)), np.stack(np.divmod(np.arange(41), 6), axis=1))
IMAGES = ImageSet("random", ArraySource(PIXELS, "random"), FACTORS)  # factors, for objectives that take pairs


def model(name: str, precision: str = "float32") -> Ensemble:
    """A small model with this objective and the first networks that fit it."""
    discovery.objectives()
    gin.clear_config()
    gin.parse_config(SMALL)
    name, *changes = name.split(" ")
    gin.parse_config([f"{name}.{change}" for change in changes])
    for encoder, decoder in NETWORKS:
        gin.parse_config([f"model.encoder = @{encoder}", f"model.decoder = @{decoder}", f"model.objective = @{name}"])
        try:
            return build(SHAPE, 1, num_latents=LATENTS, precision=precision)
        except UserError as error:
            refused = error
    raise AssertionError(f"{name} takes none of {NETWORKS}: {refused}")


def variants() -> list[str]:
    """Every objective by name, and its variants in shipped files and by boolean parameters."""
    found = []
    shipped = "\n".join(path.read_text() for path in sorted((Path(__file__).parents[2] / "gin_configs").rglob("*.gin")))
    for name, made in sorted(discovery.objectives().items()):
        found.append(name)
        for parameter, kind in get_type_hints(made).items():
            if kind is bool:
                found.append(f"{name} {parameter}=True")
            if kind is str:
                texts = set(re.findall(rf"^{name}\.{parameter} = (\S+)", shipped, re.M))
                found += [f"{name} {parameter}={text}" for text in sorted(texts)]
    return found


@pytest.fixture(scope="module", params=variants())
def name(request):
    return request.param


@pytest.mark.parametrize("batch", [2, 5])
@pytest.mark.parametrize("log_variances", [(-60.0, -60.0), (60.0, 60.0), (-60.0, 60.0)])
def test_terms_and_gradients_are_finite_at_extreme_values(name, batch, log_variances, monkeypatch):
    """Log variances of -60 and 60, means of 100, black and white images, the largest noise."""
    vae = model(name).models[0]
    for sign, intensity in itertools.product((-1.0, 1.0), (0.0, 1.0)):
        monkeypatch.setattr(replicas, "normal_like", lambda local, seed, sign=sign: 0 * local + sign * RAREST)
        check_finite(vae, batch, log_variances, tf.fill((batch, *SHAPE), intensity))


def check_finite(vae, batch, log_variances, images):
    rows = tf.range(batch)[:, None]
    means = tf.where((rows + tf.range(LATENTS)) % 2 == 0, 100.0, -100.0)
    spread = tf.where(rows % 2 == 0, *log_variances) + tf.zeros((batch, LATENTS))
    values = {key: tf.constant(value, tf.float32) for key, value in vae.hyperparameters.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([means, spread])
        object.__setattr__(vae, "encode", lambda images, training=False: DiagonalNormal(means, spread))
        losses = vae.losses(images, tf.constant([1, 2]), tf.constant(0), tf.constant(1e6), values)
        totals = {player: tf.add_n(list(terms.values())) for player, terms in losses.items()}
    assert losses.keys() == vae.players().keys()
    for player, terms in losses.items():
        for term, value in terms.items():
            assert value.shape == () and np.isfinite(value), f"{term} is {value}"
        gradients = tape.gradient(totals[player], [v.value for v in vae.players()[player].variables])
        if player == VAE_PLAYER:
            gradients = [*(g for g in gradients if g is not None), *tape.gradient(totals[player], [means, spread])]
        for gradient in gradients:
            assert np.isfinite(gradient).all(), f"a gradient of {player}'s loss {dict(terms)} is not finite"


@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)])
def test_training_depends_on_the_seed_and_resumes_from_a_state(name, precision):
    """Equal seeds give equal results in batches of an odd size, and a restored state continues without a difference."""
    trainer = Trainer(model(name, precision), chunk_images=20)
    settings = {"batch_size": 5, "learning_rate": 1e-3}

    def trained(seed, *parts):
        trainer.initialize(seed)
        done = 0
        for updates in parts:
            state = trainer.state()
            trainer.initialize(99)
            trainer.set_state(state)
            counted = updates * trainer.model.counts_per_update
            losses = trainer.train(IMAGES, 5 * counted, seed=seed, start_step=done, **settings)
            done += updates
        return losses, trainer.state()

    (losses, whole), (again, same), (_, in_parts), (other, _) = (
        trained(*arguments) for arguments in ((1, 4), (1, 4), (1, 3, 1), (2, 4))
    )
    assert losses == again != other
    for key, value in whole.items():
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(value, same[key])
        np.testing.assert_array_equal(value, in_parts[key])
    assert {value.dtype for key, value in whole.items() if key != "updates"} == {np.dtype(np.float32)}
