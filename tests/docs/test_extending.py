"""Runs the examples of docs/extending.md."""

import re
from pathlib import Path

import numpy as np
import pytest

import rdl

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
FILES = dict(re.findall(r"^`(\w+\.\w+)`:\n\n```(?:python)?\n(.*?)```", DOCUMENT.read_text(), re.S | re.M))
TINY = {
    "dataset.name": "images.npz",
    "small_fc_encoder.widths": (8,),
    "small_fc_decoder.widths": (8,),
    "population.images": 128,
    "population.generations": 1,
    "display.quiet": True,
    "threads.deterministic": False,  # it would stay set after the test
}


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains the example of a name in its own folder."""
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return lambda name: rdl.train(f"{name}.gin", TINY, output_dir="run")


def test_every_kind_has_an_example():
    assert {f"my_{what}.{kind}" for what in ("objective", "encoder", "score") for kind in ("py", "gin")} == set(FILES)


@pytest.mark.slow
def test_the_objective_trains(train):
    assert train("my_objective").summary["final.free"] == 2.0


@pytest.mark.slow
def test_the_encoder_trains(train):
    run = train("my_encoder")
    assert {layer.filters for layer in run.model.encoder.layers if hasattr(layer, "filters")} == {4}


@pytest.mark.slow
def test_the_score_trains(train):
    assert train("my_score").summary["final.score"] in range(9)
