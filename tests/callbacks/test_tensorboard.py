import collections
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import metadata

from rdl import data
from rdl.callbacks.tensorboard import TensorBoard
from rdl.models import build
from rdl.models.networks.small import small_fc_decoder, small_fc_encoder
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings
from rdl.runs import RunDirectory
from tests.run_configs import parse_config

HYPERPARAMETERS = {"learning_rate": 1e-3, "batch_size": 64, "beta": 4.0}


def trained(index, generation, parent, score, **changes):
    member = Member(index, generation, parent, HYPERPARAMETERS | changes, seed=1)
    if score is None:
        return member.with_failure("loss is not finite")
    details = {"per_model": [0.1, 0.3], "kl": [[0.5, 0.0], [1.5, 0.25]], "terms": {"reconstruction": 12.5}}
    details["active_latents"] = [1, 2]
    return member.with_score(score, "0" * 64, **details)


GENERATIONS = [
    [trained(0, 0, None, 0.5), trained(1, 0, None, None)],
    [trained(0, 1, 0, 0.6), trained(1, 1, 0, 0.4, beta=8.0)],
    [trained(0, 2, 0, 0.7), trained(1, 2, 1, 0.8, beta=8.0)],
]


def play(run, generations, image=False, before=()):
    board = TensorBoard(run, seed=0)
    board.on_stage_begin("x_run", PopulationSettings(size=2, models=2), 1000, 5000)
    for members in before:  # done in an earlier process
        board.on_generation_end("x_run", members)
    for members in generations:
        for member in members:
            board.on_member_end("x_run", member)
        board.on_generation_end("x_run", members)
    if image:
        images = data.load("dummy_data", values={f"factor_{i}": [0] for i in range(6)}, size=8)
        models = build((8, 8, images.shape[2]), 1, small_fc_encoder, small_fc_decoder, num_latents=3)
        board.on_stage_end("x_run", 2, TrainedModel.of(models.models[0]), images)
    board.close()


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    root = tmp_path_factory.mktemp("run") / "run"
    with RunDirectory(root, parse_config("a.b = '<script>alert(1)</script>'")) as run:
        play(run, GENERATIONS[:2])
        play(run, GENERATIONS[2:], image=True, before=GENERATIONS[:2])  # stopped and resumed in between
        play(run, [], image=True, before=GENERATIONS)  # and resumed once more after the stage's end
    return root


def load(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def scalars(accumulator, tag):
    from tensorboard.util import tensor_util

    # Event files written in the same second are read in any order.
    return sorted((e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in accumulator.Tensors(tag))


def trials(events):
    return sorted(path.name for path in (events / "trials/x_run").iterdir())


def test_a_trial_lasts_as_long_as_its_hyperparameters(events):
    assert trials(events) == [
        "000_from_000",
        "001_from_000",
        "001_from_001",
    ]
    first = load(events / "trials/x_run/000_from_000")
    np.testing.assert_allclose(scalars(first, "score"), [(0, 0.5), (1, 0.6), (2, 0.7)], rtol=1e-6)
    heir = load(events / "trials/x_run/001_from_001")
    np.testing.assert_allclose(scalars(heir, "x_run/hyperparameters/beta"), [(1, 8.0), (2, 8.0)])
    np.testing.assert_allclose(scalars(heir, "x_run/parent"), [(1, 0), (2, 1)])
    np.testing.assert_allclose(scalars(heir, "x_run/kl/latent_0"), [(1, 1.5), (2, 1.5)])
    np.testing.assert_allclose(scalars(heir, "x_run/loss/reconstruction"), [(1, 12.5), (2, 12.5)])
    assert scalars(heir, "x_run/active_latents") == [(1, 1.5), (2, 1.5)]


def test_a_failed_member_has_a_reason_and_no_score(events):
    failed = load(events / "trials/x_run/001_from_000")
    assert "score" not in failed.Tags()["tensors"]
    assert b"not finite" in failed.Tensors("x_run/failed")[0].tensor_proto.string_val[0]


def test_every_trial_is_a_row_of_the_hparams_tab(events):
    rows = []
    for trial in trials(events):
        content = load(events / "trials/x_run" / trial).PluginTagToContent(metadata.PLUGIN_NAME)
        parsed = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
        rows.append((parsed.hparams["stage"].string_value, parsed.hparams["beta"].number_value))
    assert rows == [("x_run", 4.0), ("x_run", 4.0), ("x_run", 8.0)]
    content = load(events / "trials").PluginTagToContent(metadata.PLUGIN_NAME)[metadata.EXPERIMENT_TAG]
    experiment = metadata.parse_experiment_plugin_data(content)
    assert [metric.name.tag for metric in experiment.metric_infos] == ["score"]
    assert {info.name for info in experiment.hparam_infos} == {"stage", *HYPERPARAMETERS}


def test_generations_pictures_and_configuration_are_written(events):
    population = load(events / "tensorboard/x_run/population")
    np.testing.assert_allclose(scalars(population, "x_run/score_best"), [(0, 0.5), (1, 0.6), (2, 0.8)], rtol=1e-6)
    assert scalars(population, "x_run/unscored_members") == [(0, 1), (1, 0), (2, 0)]
    (shown,) = [event for event in population.Tensors("x_run/members") if event.step == 1]
    table = shown.tensor_proto.string_val[0].decode().splitlines()
    assert table[3].startswith("| 1 | 0.4000 | 1.5 | 0 |")
    assert scalars(population, "x_run/active_latents_of_the_best") == [(0, 1.5), (1, 1.5), (2, 1.5)]
    best = load(events / "tensorboard/x_run/best")
    for tag in ("x_run/reconstructions", "x_run/traversals"):
        (event,) = best.Tensors(tag)
        width, height, encoded = event.tensor_proto.string_val[:3]
        assert event.step == 2
        assert int(width) > 100
        assert int(height) >= 48
        assert encoded.startswith(b"\x89PNG")
    assert b"    a.b = '<script>" in load(events / "tensorboard").Tensors("configuration")[0].tensor_proto.string_val[0]


def test_pictures_are_drawn_once(events):
    assert len(list((events / "tensorboard/x_run/best").iterdir())) == 1


def test_a_resumed_run_repeats_no_event_and_adds_the_missing_ones(tmp_path):
    def count_events():
        found = collections.Counter()
        for path in (tmp_path / "run").rglob("*tfevents*"):
            for event in EventFileLoader(str(path)).Load():
                found.update((path.parent, value.tag, event.step) for value in event.summary.value)
        return found

    with RunDirectory(tmp_path / "run", parse_config("a.b = 1")) as run:
        play(run, GENERATIONS)
        expected = count_events()
        (trial,) = (tmp_path / "run/trials/x_run/000_from_000").iterdir()
        trial.write_bytes(trial.read_bytes()[:-10])  # a kill while the last event is being written
        (tmp_path / "run/trials/x_run/001_from_001").rename(tmp_path / "lost")  # and before another trial is flushed
        play(run, [], before=GENERATIONS)
    assert max(count_events().values()) == 1
    assert count_events().keys() == expected.keys()


def test_a_negative_dimension_wise_kl_is_explained(tmp_path):
    with RunDirectory(tmp_path / "run") as run:
        board = TensorBoard(run, seed=0)
        member = Member(0, 0, None, HYPERPARAMETERS, 1).with_score(0.5, "0", terms={"dimension_wise_kl": -131.0})
        board.on_stage_begin("population", PopulationSettings(size=1, models=1), 1000, 5000)
        board.on_member_end("population", member)
        board.close()
    tag = load(tmp_path / "run/trials/population/000_from_000").SummaryMetadata("population/loss/dimension_wise_kl")
    assert "may be negative" in tag.summary_description
