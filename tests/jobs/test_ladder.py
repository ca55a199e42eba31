"""The job `train_ladder` on a tiny ladder: its files, its pictures, and a stop in the middle of a step."""

import json

import gin
import numpy as np
import pytest
from PIL import Image

from rdl import data
from rdl.callbacks import ladder_pictures
from rdl.callbacks.callback import Callback
from rdl.cli import configure
from rdl.errors import UserError
from rdl.execution import SerialExecutor
from rdl.jobs import experiment, ladder
from rdl.jobs.context import Context
from rdl.jobs.vae_learner import VAELearner, trainers_for
from rdl.models.ladder.levels import Levels
from rdl.models.saving import saved
from rdl.models.saving.saved import TrainedModel
from rdl.population import Population
from rdl.runs import RunDirectory
from rdl.scoring import UDRScore
from tests.small_models import BATCHES_OF_16, SMALL_LADDER

configure()

CONFIG = f"""
{SMALL_LADDER}
{BATCHES_OF_16}
rate/Dimension.initial = (1e-2,)
dataset.name = "dsprites_full"
dataset.values = {{"shape": [0], "scale": [0, 5], "orientation": [0], "x": 8, "y": 4}}
dataset.size = 8
experiment.job = @train_ladder
display.quiet = True
progressive.updates_per_step = 6
progressive.fade_in_updates = 5
population.size = 1
population.models = 1
population.images = 48
population.generations = 4
population.until_converged = False
Measurement.num_train = 200
Measurement.num_test = 100
measure.dci_backend = "lightgbm"
"""


@pytest.fixture(autouse=True)
def _own_models():
    trainers_for.cache_clear()
    yield
    trainers_for.cache_clear()


def test_a_ladder_search_compares_no_scores_across_generations(monkeypatch, tmp_path):
    class Asked(Exception):
        pass

    def search(context, score, *, comparable=True):
        raise Asked(comparable)

    monkeypatch.setattr(ladder, "search", search)
    gin.parse_config(CONFIG)
    images = data.load("dsprites_full", values={"shape": [0], "orientation": [0], "x": 8, "y": 8}, size=8)
    with RunDirectory(tmp_path) as run, pytest.raises(Asked, match="False"):
        ladder.train_ladder(Context(run, 0, images, VAELearner.from_gin(), SerialExecutor(), Callback()), UDRScore())


def run(folder) -> dict:
    gin.clear_config()
    gin.parse_config(CONFIG)
    return experiment.experiment(str(folder))


@pytest.mark.slow
def test_a_ladder_stopped_in_the_middle_of_a_step_resumes_with_the_same_result(tmp_path, monkeypatch):
    pytest.importorskip("lightgbm")
    summary = run(tmp_path / "whole")
    assert summary["images_trained"] == 4 * 48
    assert {"final.kl_level_2", "final.kl_level_1", "final.mig_sup", "final.mig_chen"} <= summary.keys()
    results = tmp_path / "whole" / "results"
    for name in ("levels", "levels_step_1", "level_samples", "information"):
        with Image.open(results / f"{name}.png") as picture:
            assert picture.size[0] > 100
    with Image.open(results / "levels.gif") as moving:
        assert moving.n_frames == 16
    assert list((tmp_path / "whole" / "tensorboard" / "levels").glob("events*"))

    # A generation has 3 updates. After the third one, 3 updates into the second step, the fade-in is at 3/5.
    finish = Population._write_generation

    def stop(self, members):
        finish(self, members)
        if members[0].generation == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Population, "_write_generation", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped")
    monkeypatch.undo()
    trainers_for.cache_clear()
    resumed = run(tmp_path / "stopped")
    assert {k: v for k, v in resumed.items() if k != "elapsed_seconds"} == {
        k: v for k, v in summary.items() if k != "elapsed_seconds"
    }
    models = [saved.load_model(tmp_path / folder / "model") for folder in ("whole", "stopped")]
    for one, other in zip(*(m.encoder.get_weights() + m.decoder.get_weights() for m in models), strict=True):
        assert np.array_equal(one, other)
    records = [json.loads(line) for line in (tmp_path / "stopped" / "journal.jsonl").read_text().splitlines()]
    members = [record for record in records if record["key"].startswith("population/generation")]
    assert [set(member["record"]["details"]["terms"]) for member in members] == [
        {"reconstruction", "weighted_kl_level_2", "weighted_kl_level_1"}
    ] * 4


def test_a_model_without_levels_is_refused(tmp_path):
    gin.parse_config(CONFIG)
    gin.parse_config("""
model.encoder = @small_fc_encoder
model.decoder = @small_fc_decoder
model.objective = @vae
""")
    with pytest.raises(UserError, match="train_ladder.*ladder"):
        experiment.experiment(str(tmp_path / "run"))


class Painter(TrainedModel):
    """Decodes latent k to the values of column k, in the last colour."""

    def __init__(self, latents: int, channels: int):
        self.latents, self.channels = latents, channels

    num_latents = property(lambda self: self.latents)

    def encode(self, images, batch_size=256):
        return np.zeros((1, self.latents), np.float32)

    def decode(self, latents):
        frames = np.zeros((len(latents), 8, 8, self.channels), np.float32)
        frames[:, :, : self.latents, -1] = 1 / (1 + np.exp(-np.asarray(latents)))[:, None]
        return frames


@pytest.mark.parametrize("channels", [1, 3])
def test_each_tile_of_the_animation_shows_its_latent(channels):
    levels, model = Levels((2, 1)), Painter(3, channels)
    image = np.zeros((8, 8, channels), np.uint8)
    frames = [np.asarray(frame).astype(int) for frame in ladder_pictures.animate_traversals(model, levels, image)]
    assert frames[0].shape == (20 * 8, 20 * 8, 3)  # 2 rows of up to 2 tiles of 8 + 2 pixels, enlarged 8 times
    change = np.abs(np.array(frames) - frames[0]).max(axis=(0, 3))[4::8, 4::8] > 20
    moves = np.zeros((20, 20), bool)
    moves[1:9, 1] = moves[1:9, 12] = moves[11:19, 3] = True  # one column per tile
    assert np.array_equal(change, moves)
    picture = ladder_pictures.draw_level_traversals(model, levels, image, np.ones(3), "title")
    assert picture.size[0] > 500 and picture.size[1] > 200
    assert ladder_pictures.draw_level_samples(model, levels, image, 0).size[0] > 500


def test_samples_of_one_level_keep_the_other_latents_at_zero(monkeypatch):
    decoded = []
    model = Painter(3, 1)
    monkeypatch.setattr(Painter, "decode", lambda self, z: decoded.append(z) or np.zeros((len(z), 8, 8, 1), np.float32))
    ladder_pictures.draw_level_samples(model, Levels((2, 1)), np.zeros((8, 8, 1), np.uint8), seed=0, side=3)
    deep, shallow = decoded
    assert np.all(deep[:, :2] != 0) and np.all(deep[:, 2] == 0)
    assert np.all(shallow[:, :2] == 0) and np.all(shallow[:, 2] != 0)


def test_the_information_plot_has_one_curve_point_per_generation():
    history = np.random.default_rng(0).random((5, 3))
    assert ladder_pictures.draw_level_kl(history, [1, 2, 3, 4, 5], Levels((2, 1)), [3]).size == (840, 432)
