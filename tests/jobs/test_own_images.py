"""A run on the user's images: the notes of loading are printed, and the held-out loss reaches the summary."""

import gin
import numpy as np
import pytest

from rdl.callbacks.callback import Callback
from rdl.cli import configure
from rdl.config import read_gin
from rdl.jobs import experiment
from rdl.training.held_out import HeldOutSettings
from tests.small_models import BATCHES_OF_16, SMALL_MEASUREMENT, SMALL_VAE

configure()

CONFIG = (
    SMALL_VAE
    + SMALL_MEASUREMENT
    + BATCHES_OF_16
    + """
experiment.job = @search
population.size = 1
population.models = 1
population.images = 64
population.generations = 1
population.until_converged = False
held_out.share = 0.25
"""
)


class Messages(Callback):
    def __init__(self):
        self.lines = []

    def on_message(self, line):
        self.lines.append(line)


def test_notes_are_printed_and_the_summary_has_the_held_out_loss(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4096, (80, 8, 8)).astype(np.uint16)
    np.savez(tmp_path / "own.npz", volumes=pixels)
    read_gin([], [CONFIG, f"dataset.name = '{tmp_path / 'own.npz'}'"])
    messages = Messages()
    summary = experiment.experiment(str(tmp_path / "run"), make_callbacks=lambda run, seed: [messages])
    assert "12-bit" in " ".join(messages.lines) and "'volumes'" in " ".join(messages.lines)
    _, held_out = HeldOutSettings(0.25).split(80, 0)
    assert len(held_out) == 20
    chance = 64 * np.log(2)  # nats: a decoder that answers 0.5 everywhere
    assert summary["final.held_out_loss"] == pytest.approx(chance, rel=0.1)
    gin.clear_config()
