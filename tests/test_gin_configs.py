"""Every gin file that ships parses, names nothing that does not exist, and builds what it describes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import gin
import pytest

from rdl.cli import configure
from rdl.config import read_gin
from rdl.config.ranges import Between
from rdl.errors import UserError
from rdl.jobs import no_effect
from rdl.population import PopulationSettings, SearchSpace
from rdl.results import evaluation  # noqa: F401  (register every gin name)

configure()

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
            settings = PopulationSettings()
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


EVIDENCE = [path for path in TRAINING if path.parent.name == "evidence"]


def images_seen(scope: str, data_size: int = 46_080) -> tuple[int, int]:
    """Images that a model of a stage sees to its end, and images of all models of the stage together."""
    with gin.config_scope(scope):
        settings = PopulationSettings()
    each = settings.images_per_generation(data_size)
    assert settings.generations is not None and not settings.until_converged
    return each * settings.generations, each * settings.members_until(settings.generations) * settings.models


@pytest.mark.parametrize("path", EVIDENCE, ids=lambda path: path.stem)
def test_every_model_of_the_evidence_study_sees_as_many_images(path, monkeypatch):
    parse(path, monkeypatch)
    each = 200_000 if path.stem == "pbt_vae_frequencies" else 320_000  # its file says why
    assert images_seen("final" if "rpu_vae" in path.stem else "population")[0] == each


def test_the_search_rules_are_compared_on_as_many_images(monkeypatch):
    together = []
    for name in ("pbt_vae", "pbt_vae_random", "pbt_vae_halving", "pbt_vae_frequencies"):
        gin.clear_config()
        parse(ROOT / f"gin_configs/evidence/{name}.gin", monkeypatch)
        together.append(images_seen("population")[1])
    assert together == [1_600_000] * 4


def test_the_controls_of_the_recursion_have_its_compute(monkeypatch):
    parse(ROOT / "gin_configs/evidence/rpu_vae.gin", monkeypatch)
    recursion = images_seen("x_run")[1] + 2 * 2 * images_seen("leaf_run")[1] + images_seen("final")[1]
    assert images_seen("x_run")[0] == 320_000
    for name in ("pbt_u_vae", "random_search"):
        gin.clear_config()
        parse(ROOT / f"gin_configs/evidence/{name}.gin", monkeypatch)
        assert recursion <= images_seen("population")[1] < 1.1 * recursion
    assert gin.query_parameter("population.rule") == "none"


def test_the_released_shapes3d_runs_have_rounds_of_480000_images(monkeypatch):
    for name, scopes in (("rpu_vae", ("x_run", "final")), ("pbt_u_vae", ("population",)), ("pbt_vae", ("population",))):
        gin.clear_config()
        parse(ROOT / f"gin_configs/{name}_shapes3d.gin", monkeypatch)
        assert gin.query_parameter("dataset.name") == "shapes3d"
        for scope in scopes:
            with gin.config_scope(scope):
                assert PopulationSettings().images_per_generation(480_000) == 480_000
    gin.clear_config()
    parse(ROOT / "gin_configs/rpu_vae_shapes3d.gin", monkeypatch)
    with gin.config_scope("leaf_run"):
        assert [PopulationSettings().images_per_generation(size) for size in (700, 30_000)] == [10_000, 30_000]


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_training_file_builds_its_score(path, monkeypatch):
    parse(path, monkeypatch)
    reference = bound("search.score")
    if reference is not None and "SavedLeafMIGScore" not in str(reference):  # that one reads another run
        assert callable(reference.scoped_configurable_fn())


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_nothing_in_a_training_file_is_without_effect(path, monkeypatch):
    parse(path, monkeypatch)
    if bound("experiment.job") is not None:  # a study's files have the jobs
        assert no_effect.known() == []


def ranges():
    """Every number of rdl's own settings that has a range: its key in gin, and the range."""
    for selector, found in gin.config._REGISTRY.items():
        target = found.wrapped
        hints = get_type_hints(target.__init__ if isinstance(target, type) else target, include_extras=True)
        for parameter, hint in hints.items():
            for part in (hint, *get_args(hint)):
                for place in getattr(part, "__metadata__", ()):
                    if selector.startswith("rdl.") and isinstance(place, Between):
                        several = part is not hint and get_origin(hint) is Sequence
                        yield f"{selector.split('.')[-1]}.{parameter}", several, place


def test_numbers_outside_their_ranges_are_told_before_anything_runs():
    found = list(ranges())
    assert len(found) > 20
    for key, several, place in found:
        for number, fits in ((place.low, True), (place.low - 1, False), (place.high, True), (place.high + 1, False)):
            try:
                read_gin([], [f"{key} = {(number,) if several else number}"])
                assert fits, (key, number)
            except UserError as error:
                assert not fits and key in str(error) and "must be" in str(error), (key, number)
            gin.clear_config()
