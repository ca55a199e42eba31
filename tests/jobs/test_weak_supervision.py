"""Searches with objectives that learn from pairs of images."""

import gin
import numpy as np
import pytest

from rdl import data
from rdl.callbacks.callback import Callback
from rdl.cli import configure
from rdl.config import RunConfig, read_gin
from rdl.errors import UserError
from rdl.execution import SerialExecutor
from rdl.jobs.context import Context
from rdl.jobs.search import search
from rdl.jobs.unused_bindings import find_uncalled
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import RunDirectory
from rdl.scoring import MIGScore, UDRScore
from tests.small_models import BATCHES_THAT_SHRINK, SMALL_MEASUREMENT, SMALL_VAE, small_sprites

configure()

CONFIG = (
    SMALL_VAE
    + SMALL_MEASUREMENT
    + BATCHES_THAT_SHRINK
    + """
population.size = 3
population.models = 2
population.images = 32
population.generations = 3
population.until_converged = False
UDRScore.points = 16
MIGScore.points = 16
SearchSpace.dimensions = {"learning_rate": @rate/Dimension(), "batch_size": @batch/Dimension()}
"""
)


@pytest.fixture
def searched(tmp_path):
    """Runs a search with an objective and a score; returns the summary and the records of its members."""

    def run(objective, score, *bindings, labels=True):
        read_gin([], [*CONFIG.strip().splitlines(), f"model.objective = @{objective}", *bindings])
        images = small_sprites()
        if not labels:
            images = data.ImageSet("unlabelled", images.source)
        with RunDirectory(tmp_path / "run") as run:
            context = Context(run, 7, images, VAELearner.from_gin(), SerialExecutor(), Callback())
            summary = search(context, score)
            return summary, [record for _, record in run.journal.items() if "hyperparameters" in record]

    return run


@pytest.mark.parametrize("score", [UDRScore, MIGScore])
def test_odd_batch_sizes_of_the_search_are_trained_in_pairs(searched, score):
    summary, members = searched("ada_gvae", score(), "pairs.k = 1")
    assert {member["hyperparameters"]["batch_size"] for member in members} >= {
        10,
        7,
    }  # 7 leaves one image without a pair
    assert all(member["score"] is not None for member in members)
    assert np.isfinite(summary["final.discrete_mig"])


def test_images_without_factors_and_a_large_k_are_refused(searched):
    with pytest.raises(UserError, match="'unlabelled'.*pairs.file"):
        searched("ada_gvae", UDRScore(), labels=False)
    gin.clear_config()
    with pytest.raises(UserError, match=r"pairs.k must be 1 to 3, .* got 4"):
        searched("ml_vae", UDRScore(), "ml_vae.shared = 1", "pairs.k = 4")


def test_pair_settings_are_reported_as_unused_by_other_objectives(searched):
    searched("vae", MIGScore(), "pairs.k = 1")
    assert "pairs.k" in find_uncalled(RunConfig.from_gin())
