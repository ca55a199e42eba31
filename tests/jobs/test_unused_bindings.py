"""Bindings without effect are reported with the reason."""

import gin
import pytest

from rdl.cli import configure
from rdl.config import RunConfig, read_gin
from rdl.jobs.unused_bindings import find_uncalled, find_unused
from rdl.jobs.vae_learner import VAELearner

CASES = {  # name -> (bindings on top of one_vae.gin, parts of the message about the last binding)
    "search space": (["SearchSpace.dimensions = {}"], ("@SearchSpace", "population.search_space = @one_point")),
    "objective": (["beta_tc_vae.beta = 6.0"], ("@beta_tc_vae", "model.objective = @vae")),
    "network": (["conv_encoder.image_shape = None"], ("@conv_encoder", "model.encoder = @small_fc_encoder")),
    "job": (["rpu_vae.leaf_runs = 2"], ("@rpu_vae", "experiment.job = @search")),
    "stage of another job": (["x_run/population.size = 7"], ("search has no stage 'x_run'", "population")),
    "searched hyperparameter": (
        ["population.search_space = @SearchSpace()", "vae.beta = 2.0"],
        ("searches 'beta'", "beta/Dimension.initial"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bindings_without_effect_are_reported(name):
    lines, words = CASES[name]
    configure(["one_vae.gin"], lines)
    key = lines[-1].partition(" ")[0]
    (line,) = [line for line in find_unused(RunConfig.from_gin()) if line.startswith(f"{key} has no effect")]
    assert all(word in line for word in words), line


def test_used_bindings_are_not_reported():
    configure(["one_vae.gin"], ["vae.beta = 2.0", "small_fc_encoder.widths = (8,)", "population.size = 1"])
    assert find_unused(RunConfig.from_gin()) == []


def test_settings_of_a_model_that_an_earlier_run_has_built_are_used():
    for _ in range(2):
        gin.clear_config()
        configure(["one_vae.gin"], ["small_fc_encoder.widths = (5,)", "pairs.k = 2"])
        learner = VAELearner.from_gin()
        learner.trainer((8, 8, 1), 1)
        uncalled = find_uncalled(RunConfig.from_gin(), learner.used_keys)
        assert "small_fc_encoder.widths" not in uncalled and "pairs.k" in uncalled


def test_uncalled_bindings_are_found_after_the_run():
    configure()
    from rdl.population import PopulationSettings

    read_gin([], ["population.size = 3", "population/population.window = 2", "dataset.size = 8"])
    with gin.config_scope("population/inner"):
        PopulationSettings()
    assert find_uncalled(RunConfig.from_gin()) == ["dataset.size"]
    gin.clear_config()
    read_gin([], ["population.size = 3", "x_run/population.window = 2"])
    PopulationSettings()
    assert find_uncalled(RunConfig.from_gin()) == ["x_run/population.window"]
