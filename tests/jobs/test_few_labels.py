"""A search with an objective that learns from few labels."""

import gin
import numpy as np
import pytest

from rdl import data
from rdl.callbacks.callback import Callback
from rdl.cli import configure
from rdl.config import read_gin
from rdl.errors import UserError
from rdl.execution import SerialExecutor
from rdl.jobs.context import Context
from rdl.jobs.search import search
from rdl.jobs.stage import score_seed
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import RunDirectory
from rdl.scoring import UDRScore
from rdl.training import labels
from tests.small_models import BATCHES_THAT_SHRINK, SMALL_MEASUREMENT, SMALL_VAE, small_sprites

configure()

CONFIG = (
    SMALL_VAE
    + SMALL_MEASUREMENT
    + BATCHES_THAT_SHRINK
    + """
model.objective = @few_labels
few_labels.objective = @beta_tc_vae
labels.count = 9
labels.factors = ("x", "y")
population.size = 2
population.models = 2
population.images = 32
population.generations = 2
population.until_converged = False
UDRScore.points = 16
SearchSpace.dimensions = {"gamma_sup": @gamma/Dimension(), "beta": @beta/Dimension(),
                          "learning_rate": @rate/Dimension(), "batch_size": @batch/Dimension()}
gamma/Dimension.initial = (8.0, 64.0)
beta/Dimension.initial = (1.0, 4.0)
"""
)


@pytest.fixture
def searched(tmp_path, monkeypatch):
    """Runs a search; returns the summary, the records of its members, the images and the indices of labelled images."""
    drawn = []
    plain = labels.LabelSettings.draw

    def draw(self, *arguments):
        drawn.append(plain(self, *arguments).indices)
        return plain(self, *arguments)

    def run(*bindings, factors=True):
        read_gin([], [CONFIG, *bindings])
        images = small_sprites()
        if not factors:
            images = data.ImageSet("plain", images.source)
        monkeypatch.setattr(labels.LabelSettings, "draw", draw)
        with RunDirectory(tmp_path / "run") as run:
            context = Context(run, 7, images, VAELearner.from_gin(), SerialExecutor(), Callback())
            summary = search(context, UDRScore())
            records = [record for _, record in run.journal.items() if "hyperparameters" in record]
            return summary, records, images, drawn

    return run


def test_all_members_and_generations_have_the_same_labels(searched):
    summary, members, images, drawn = searched()
    assert len(members) == len(drawn) >= 4
    assert {"gamma_sup", "beta"} <= members[0]["hyperparameters"].keys()
    assert all(member["details"]["terms"]["weighted_supervision"] > 0 for member in members)
    expected = labels.LabelSettings(9, ("x", "y")).draw(images, score_seed(7, "population"), 3).indices
    for indices in drawn:
        np.testing.assert_array_equal(indices, expected)
    assert np.isfinite(summary["final.discrete_mig"])


def test_impossible_label_settings_are_refused(searched):
    with pytest.raises(UserError, match="'plain'.*labels.file"):
        searched(factors=False)
    gin.clear_config()
    with pytest.raises(UserError, match="5 factors and 3 latents.*model.num_latents"):
        searched("labels.factors = None")
    gin.clear_config()
    with pytest.raises(UserError, match="at least 200 images with labels in 'dsprites_full', got 128"):
        searched("labels.count = 200")
