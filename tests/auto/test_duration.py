"""The expected duration of the quickstart, from a speed that the test sets."""

import gin
import pytest

from rdl.auto import duration
from rdl.auto.plan import TrainingSpeed
from rdl.cli import configure
from rdl.data import load
from rdl.execution import SerialExecutor


@pytest.mark.parametrize(("name", "images"), [("quickstart", 2_980_000), ("tiny", 2_160_000)])
def test_training_images_are_counted_over_all_stages_and_models(name, images):
    gin.clear_config()
    configure([f"{name}.gin"])
    assert duration.count_training_images(46_080) == images


@pytest.mark.parametrize("speed", [4_000, 16_000])
def test_the_duration_is_the_time_of_training_and_measuring(monkeypatch, tmp_path, speed):
    gin.clear_config()
    configure(["quickstart.gin"], ["threads.models_side_by_side = False"])
    few = load("dsprites_full", values={"shape": [0], "orientation": [0]}, size=8)
    monkeypatch.setattr(duration.data, "load", lambda: few)
    monkeypatch.setattr(
        duration, "measure_speed", lambda images, *rest: TrainingSpeed((32, 32), speed, encoding=1e5, member=0.0)
    )
    seconds = duration.estimate_duration(tmp_path, SerialExecutor)
    assert 3_200_000 / speed < seconds < 1.5 * 3_200_000 / speed + 60
