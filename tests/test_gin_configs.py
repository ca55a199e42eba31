"""Every gin file that ships parses, names nothing that does not exist, and builds what it describes."""

import re
from pathlib import Path

import gin
import pytest

from rdl.bindings import read_gin
from rdl.cli import registry  # noqa: F401  (register every gin name)
from rdl.evaluation import evaluation  # noqa: F401  (register every gin name)
from rdl.population import SearchSpace, Settings

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "gin_configs").rglob("*.gin"))
METRICS = [path for path in FILES if "metrics" in path.parts]
TRAINING = [path for path in FILES if path not in METRICS]


def parse(path: Path, monkeypatch) -> None:
    monkeypatch.chdir("/")  # files include others wherever they are read from
    read_gin([str(path)], [])


def bound(key: str, default=None):
    try:
        return gin.query_parameter(key)
    except ValueError:
        return default


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_training_file_builds_its_population(path, monkeypatch):
    parse(path, monkeypatch)
    for scope in ("x_run", "leaf_run", "final", "population"):
        with gin.config_scope(scope):
            settings = Settings()
        space = settings.search_space or SearchSpace()
        assert {"learning_rate", "batch_size"} <= set(space.dimensions)
        assert settings.images_per_generation(11_520) > 0


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_training_file_says_what_it_is(path):
    text = path.read_text()
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert text.startswith("# "), "opens with what it reproduces"
    assert re.search(rf"bin/\w+ .*{path.relative_to(ROOT)}", header), "shows its command"
    assert "Cost" in header, "says what it costs"


@pytest.mark.parametrize("path", METRICS, ids=lambda path: path.stem)
def test_metric_file_parses(path, monkeypatch):
    parse(path, monkeypatch)
    assert gin.config_str()


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
@pytest.mark.slow
def test_training_file_builds_its_model(path, monkeypatch):
    from rdl import models

    parse(path, monkeypatch)
    name = bound("dataset.name", "dsprites_full")  # the models of a study name their own
    channels = 3 if name in ("shapes3d", "celeba") else 1
    side = bound("dataset.size") or (28 if "mnist" in name else 64)
    model = models.build((side, side, channels))
    assert len(model) == 1
