"""The training loss as a score includes the VAE's terms only."""

import gin
import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.jobs.learner import MemberTask
from rdl.jobs.vae_learner import VAELearner
from rdl.population import Member
from rdl.runs.layout import Layout

IMAGES = ImageSet("random", ArraySource(np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), np.uint8), "random"))


def test_the_score_excludes_the_discriminators_loss(tmp_path):
    gin.parse_config(
        """
        model.encoder = @small_fc_encoder
        model.decoder = @small_fc_decoder
        model.objective = @factor_vae
        fc_discriminator.width = 8
        """
    )
    task = MemberTask(
        learner=VAELearner.from_gin(),
        paths=Layout(tmp_path),
        stage="search",
        images=IMAGES,
        num_images=16,
        num_models=1,
        score=None,
        score_seed=0,
    )
    member = task(Member(0, 0, None, {"batch_size": 8, "learning_rate": 1e-3, "gamma": 10.0}, seed=1))
    terms = dict(member.details["terms"])
    assert terms.pop("discriminator") > 0.1
    assert member.score == pytest.approx(-sum(terms.values()))
