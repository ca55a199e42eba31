"""A learner trains gin's present configuration, and traces a graph only for each new model."""

import gin
import numpy as np
import pytest

from rdl.jobs.one_point import one_point
from rdl.jobs.vae_learner import VAELearner
from rdl.models.objectives.objective import vae
from tests.small_models import SMALL_VAE

SHAPE = (8, 8, 1)


def learner(*lines: str) -> VAELearner:
    gin.clear_config()
    gin.parse_config([SMALL_VAE, *lines])
    return VAELearner.from_gin()


def test_two_configurations_in_one_process_get_their_own_models():
    names = []
    for factory in ("vae", "beta_tc_vae"):
        trainer = learner(f"model.objective = @{factory}").trainer(SHAPE, 1)
        names.append(trainer.model.models[0].objective.name)
    assert names == ["vae", "beta_tc_vae"]
    for latents in (2, 3):
        assert learner(f"model.num_latents = {latents}").trainer(SHAPE, 1).model.num_latents == latents


def test_hyperparameters_of_one_method_share_a_trainer():
    weak, strong = (learner("model.objective = @vae", f"vae.beta = {beta}") for beta in (1.0, 8.0))
    assert weak.trainer(SHAPE, 1) is strong.trainer(SHAPE, 1)
    assert (weak.hyperparameters, strong.hyperparameters) == ({"beta": 1.0}, {"beta": 8.0})


def test_learners_differ_only_if_settings_of_the_model_differ():
    one, other = (learner("model.objective = @dip_vae", f"dip_vae.dip_type = '{kind}'") for kind in ("i", "ii"))
    assert one.described != other.described
    assert (
        other.described
        == learner("model.objective = @dip_vae", "dip_vae.dip_type = 'ii'", "population.size = 3").described
    )


def test_a_learner_of_a_replaced_configuration_is_refused():
    stale = learner("model.num_latents = 4")
    learner("model.num_latents = 5")
    with pytest.raises(RuntimeError, match="configuration has changed"):
        stale.trainer(SHAPE, 1)


def test_one_point_takes_the_hyperparameters_of_the_models_objective():
    learner("model.objective = @annealed_vae", "annealed_vae.c_max = 7.0")
    assert one_point().dimensions["c_max"].initial == (7.0,)
    assert set(one_point(vae).dimensions) == {"beta", "learning_rate", "batch_size"}


def test_a_single_model_encodes_like_its_ensemble_and_is_traced_once():
    trainer = learner().trainer(SHAPE, 2)
    ensemble, images = trainer.model, np.arange(5 * 64, dtype=np.uint8).reshape(5, *SHAPE)
    for seed in (1, 2):  # the weights stay shared after another initialisation
        trainer.initialize(seed)
        means, _ = ensemble.posterior_parameters(images)
        for number in (0, 1):
            (alone,), _ = ensemble.single(number).posterior_parameters(images)
            np.testing.assert_allclose(alone, means[number], rtol=1e-5, atol=1e-6)
    assert ensemble.single(1) is ensemble.single(1)
    assert ensemble.single(1).posterior_parameters.experimental_get_tracing_count() == 1
