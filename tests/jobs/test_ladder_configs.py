"""The shipped gin files of pro-VLAE have the paper's settings, and their training ends with the last step."""

from pathlib import Path

import gin
import pytest

from rdl import models
from rdl.cli import configure
from rdl.config import read_gin
from rdl.models.ladder.ladder_vae import LadderVAE
from rdl.population import PopulationSettings

configure()

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"mnist": 10_000, "dsprites": 737_280, "shapes3d": 480_000, "celeba": 202_599, "subgrid": 11_520}

# file: image shape, levels, latents, steps, epochs per step, beta, coefficient, fade-in updates
TABLE = {
    "pro_vlae_dsprites": ((64, 64, 1), 3, 6, 3, 30, 1.0, 0.5, 5000),
    "vlae_dsprites": ((64, 64, 1), 3, 6, 1, 30, 1.0, 0.5, 5000),
    "beta_vae_progressive_dsprites": ((64, 64, 1), 3, 6, 3, 30, 1.0, 0.5, 5000),
    "pro_vlae_shapes3d": ((64, 64, 3), 3, 9, 3, 15, 8.0, 0.5, 0),
    "pro_vlae_celeba": ((64, 64, 3), 4, 28, 4, 5, 1.0, 0.1, 5000),
    "pro_vlae_mnist": ((28, 28, 1), 3, 6, 3, None, 1.0, 0.5, 200),
    "pro_vlae_subgrid": ((16, 16, 1), 3, 6, 3, None, 1.0, 0.5, 300),
    "vlae_subgrid": ((16, 16, 1), 3, 6, 1, None, 1.0, 0.5, 300),
    "beta_vae_progressive_subgrid": ((16, 16, 1), 3, 6, 3, None, 1.0, 0.5, 300),
    "pro_vlae_search": ((16, 16, 1), 3, 6, 3, None, 1.0, 0.5, 300),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_shipped_file_has_the_settings_of_the_table(name, monkeypatch):
    shape, levels, latents, steps, epochs, beta, coefficient, fade_in = TABLE[name]
    monkeypatch.chdir(ROOT)
    read_gin([f"gin_configs/{name}.gin"], [])
    (model,) = models.build(shape).models
    assert isinstance(model, LadderVAE)
    assert (len(model.levels), model.num_latents, model.schedule.num_steps) == (levels, latents, steps)
    assert model.hyperparameters == {"beta": beta, "coefficient": coefficient}
    assert model.schedule.fade_in_updates == fade_in

    settings = PopulationSettings()
    space = settings.search_space or gin.get_configurable("SearchSpace")()
    (batch_size,) = space.dimensions["batch_size"].initial
    size = SIZES[name.rsplit("_", 1)[1]] if "search" not in name else SIZES["subgrid"]
    updates = settings.generations * -(-settings.images_per_generation(size) // batch_size)
    assert updates == levels * model.schedule.updates_per_step  # VLAE, with one step, trains as long
    if epochs:
        assert model.schedule.updates_per_step == epochs * (size // batch_size)
