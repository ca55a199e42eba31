"""Every shipped gin file parses, binds known names only, and builds the model and the population it describes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import gin
import pytest

from rdl.cli import configure
from rdl.config import RunConfig, read_gin
from rdl.config.ranges import Between
from rdl.errors import UserError
from rdl.jobs.unused_bindings import find_unused
from rdl.population import PopulationSettings, SearchSpace
from rdl.results import evaluation  # noqa: F401  registers the metrics' gin names

configure()

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "gin_configs").rglob("*.gin"))
METRICS = [path for path in FILES if "metrics" in path.parts]
TRAINING = [path for path in FILES if path not in METRICS]


def parse(path: Path, monkeypatch) -> None:
    monkeypatch.chdir("/")  # includes must not depend on the current folder
    below = [str(ROOT / "gin_configs/baselines/beta_vae.gin")] if path.stem == "baselines_640k" else []
    read_gin([*below, str(path)], [])  # a study's file is read on top of each method's


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
def test_training_file_opens_with_its_command_and_cost(path):
    text = path.read_text()
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert text.startswith("# ")
    assert re.search(rf"bin/\w+ .*{path.relative_to(ROOT)}", header)
    assert "Cost" in header


@pytest.mark.parametrize("path", METRICS, ids=lambda path: path.stem)
def test_metric_file_parses(path, monkeypatch):
    parse(path, monkeypatch)
    assert gin.config_str()


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
@pytest.mark.slow
def test_training_file_builds_its_model(path, monkeypatch):
    from rdl import models

    parse(path, monkeypatch)
    name = bound("dataset.name", "dsprites_full")
    channels = 3 if name in ("shapes3d", "celeba") else 1
    side = bound("dataset.size") or (28 if "mnist" in name else 64)
    model = models.build((side, side, channels))
    assert len(model) == 1


EVIDENCE = [path for path in TRAINING if path.parent.name == "evidence"]


def images_seen(scope: str, data_size: int = 46_080) -> tuple[int, int]:
    """Returns the images that one model of a stage sees to its end, and those of all its models together."""
    with gin.config_scope(scope):
        settings = PopulationSettings()
    each = settings.images_per_generation(data_size)
    assert settings.generations is not None and not settings.until_converged
    return each * settings.generations, each * settings.members_until(settings.generations) * settings.models


@pytest.mark.parametrize("path", EVIDENCE, ids=lambda path: path.stem)
def test_every_model_of_the_evidence_study_sees_the_stated_number_of_images(path, monkeypatch):
    parse(path, monkeypatch)
    if path.stem == "rpu_vae_reference_rules":  # its x-run trains until it converges
        assert images_seen("final")[0] == 17 * 46_080
        return
    each = {"pbt_vae_frequencies": 200_000, "baselines_640k": 640_000}.get(path.stem, 320_000)
    each = 300_000 if path.stem.endswith("_pool") else 375_000 if path.stem.endswith("_best_of_n") else each
    assert images_seen("final" if "rpu_vae" in path.stem else "population")[0] == each


def test_search_rules_spend_the_same_number_of_images(monkeypatch):
    together = []
    for name in ("pbt_vae", "pbt_vae_random", "pbt_vae_halving", "pbt_vae_frequencies"):
        gin.clear_config()
        parse(ROOT / f"gin_configs/evidence/{name}.gin", monkeypatch)
        together.append(images_seen("population")[1])
    assert together == [1_600_000] * 4


def test_controls_of_the_recursion_have_its_compute(monkeypatch):
    parse(ROOT / "gin_configs/evidence/rpu_vae.gin", monkeypatch)
    recursion = images_seen("x_run")[1] + 2 * 2 * images_seen("leaf_run")[1] + images_seen("final")[1]
    assert images_seen("x_run")[0] == 320_000
    for name in ("pbt_u_vae", "random_search"):
        gin.clear_config()
        parse(ROOT / f"gin_configs/evidence/{name}.gin", monkeypatch)
        assert recursion <= images_seen("population")[1] < 1.1 * recursion
    assert gin.query_parameter("population.rule") == "none"


def test_shapes3d_files_have_rounds_of_480000_images(monkeypatch):
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
    if reference is not None and "SavedLeafMIGScore" not in str(reference):  # reads another run
        assert callable(reference.scoped_configurable_fn())


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_every_binding_of_a_training_file_has_an_effect(path, monkeypatch):
    parse(path, monkeypatch)
    a_study = path.stem == "baselines_640k" or bound("experiment.job") is None  # lies on top of every method's file
    if not a_study:
        assert find_unused(RunConfig.from_gin()) == []


def ranges():
    """Yields the gin key and the range of every number in rdl's settings that has one."""
    for selector, found in gin.config._REGISTRY.items():
        target = found.wrapped
        hints = get_type_hints(target.__init__ if isinstance(target, type) else target, include_extras=True)
        for parameter, hint in hints.items():
            for part in (hint, *get_args(hint)):
                for place in getattr(part, "__metadata__", ()):
                    if selector.startswith("rdl.") and isinstance(place, Between):
                        several = part is not hint and get_origin(hint) is Sequence
                        yield f"{selector.split('.')[-1]}.{parameter}", several, place


def test_numbers_outside_their_ranges_are_refused_when_gin_is_read():
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


def test_controls_differ_only_in_their_score(monkeypatch):
    seen = {}
    for name in ("leaf_mig", "random", "udr", "mig"):
        gin.clear_config()
        parse(ROOT / f"gin_configs/evidence/control_{name}.gin", monkeypatch)
        with gin.config_scope("population"):
            settings = PopulationSettings()
        seen[name] = (settings.size, settings.initial_factor, settings.best_of, images_seen("population")[0])
        assert settings.models == (2 if name == "udr" else 1)
    assert set(seen.values()) == {(4, 2, "last", 320_000)}


def test_reference_rules_are_the_references(monkeypatch):
    parse(ROOT / "gin_configs/evidence/rpu_vae_reference_rules.gin", monkeypatch)
    with gin.config_scope("x_run"):
        settings = PopulationSettings()
    assert (settings.window, settings.tolerance, settings.until_converged) == (6, 0.005, True)
    assert settings.images_per_generation(46_080) == 46_080
    assert gin.query_parameter("Dimension.factors") == (2.0, 1.2, 0.8, 0.5)
    assert gin.query_parameter("reduce_images.min_images") == 10


@pytest.mark.parametrize("name", ["baselines/beta_tc_vae", "evidence/beta_tc_vae"])
def test_beta_tc_vae_baselines_have_the_closed_form_kl(name, monkeypatch):
    parse(ROOT / f"gin_configs/{name}.gin", monkeypatch)
    assert gin.query_parameter("beta_tc_vae.analytic_kl") is True


def test_readme_names_only_files_that_were_run_or_says_that_they_were_not():
    readme = (ROOT / "README.md").read_text()
    for line in readme.splitlines():
        for name in re.findall(r"gin_configs/[\w/]+\.gin", line):
            header = (ROOT / name).read_text().split("\n\n")[0]
            measured = not re.search(r"not (been )?(run|measured)", header)
            assert measured or "not run" in line, f"README names {name}, which was not run, without saying so"
