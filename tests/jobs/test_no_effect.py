"""Bindings that would silently do nothing are named, with what would make them count."""

import gin
import pytest

from rdl.cli import configure
from rdl.config import read_gin
from rdl.jobs import no_effect

CASES = {
    # the search space is one_point(): gamma 10 throughout
    "SearchSpace.dimensions": (
        ["SearchSpace.dimensions = {}"],
        "SearchSpace.dimensions has no effect: population.search_space is @one_point; "
        "population.search_space = @SearchSpace() would use it.",
    ),
    "another objective": (
        ["beta_tc_vae.beta = 6.0"],
        "beta_tc_vae.beta has no effect: model.objective is @vae; model.objective = @beta_tc_vae would use it.",
    ),
    "another network": (
        ["conv_encoder.image_shape = None"],
        "conv_encoder.image_shape has no effect: model.encoder is @small_fc_encoder; "
        "model.encoder = @conv_encoder would use it.",
    ),
    "another job": (
        ["rpu_vae.leaf_runs = 2"],
        "rpu_vae.leaf_runs has no effect: experiment.job is @search; experiment.job = @rpu_vae would use it.",
    ),
    "another job's stage": (
        ["x_run/population.size = 7"],
        "x_run/population.size has no effect: search has no stage 'x_run'; write it for population, or without a "
        "scope.",
    ),
    "what is searched": (
        ["population.search_space = @SearchSpace()", "vae.beta = 2.0"],
        "vae.beta has no effect: the population searches 'beta'; say where by beta/Dimension.initial, or leave 'beta' "
        "out of SearchSpace.dimensions.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_binding_without_effect_is_named(name):
    lines, expected = CASES[name]
    configure(["one_vae.gin"], lines)
    assert expected in no_effect.known()


def test_what_nothing_asked_for_is_known_afterwards():
    configure()
    from rdl.population import PopulationSettings

    read_gin([], ["population.size = 3", "population/population.window = 2", "dataset.size = 8"])
    with gin.config_scope("population/inner"):
        PopulationSettings()
    assert no_effect.afterwards() == ["dataset.size"]
    gin.clear_config()
    read_gin([], ["population.size = 3", "x_run/population.window = 2"])
    PopulationSettings()
    assert no_effect.afterwards() == ["x_run/population.window"]
