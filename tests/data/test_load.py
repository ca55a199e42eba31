"""Loading by name and through gin, sub-grids, preparing, and bin/data."""

import os
import subprocess
import sys
from pathlib import Path

import gin
import numpy as np
import pytest

from rdl import data
from rdl.cli.data import prepare_images
from rdl.config import Reference, RunConfig
from rdl.data import cache, inventory
from rdl.data.sources import MappedSource
from rdl.errors import UserError

BIN = Path(__file__).resolve().parents[2] / "bin" / "data"
SMALL = {"scale": [5], "orientation": 20, "x": [3, 30], "y": 16}


def test_sub_grids_are_the_images_with_these_values():
    whole, part = data.load("dsprites_full"), data.load("dsprites_full", values=SMALL)
    assert part.factors_num_values == [3, 1, 2, 2, 2] and len(part) == 24
    indices = np.arange(24)
    values = [[0, 1, 2], [5], [0, 20], [3, 30], [0, 16]]
    wanted = np.array([[v[k] for v, k in zip(values, row, strict=True)] for row in part.factors(indices)])
    np.testing.assert_array_equal(part.images(indices), whole.images(whole.factor_space.index(wanted)))
    factors = part.sample_factors(100, np.random.RandomState(0))
    assert factors.max(axis=0).tolist() == [2, 0, 1, 1, 1]
    observed = part.sample_observations_from_factors(factors, np.random.RandomState(0))
    np.testing.assert_allclose(observed, part.images(part.factor_space.index(factors)) / 255)


def test_a_sub_grid_of_a_stochastic_set_has_hidden_and_drawn_parts():
    part = data.load("noisy_dsprites", values=SMALL, size=32)
    assert part.shape == (32, 32, 3) and len(part) == 24
    whole = data.load("noisy_dsprites", values=SMALL)
    expected = whole.sample_observations(3, np.random.RandomState(0)).reshape(3, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(part.sample_observations(3, np.random.RandomState(0)), expected, atol=1e-6)
    hidden = data.load("dsprites_noshape", values={"shape": [2], **SMALL})
    assert hidden.factors_num_values == [1, 2, 2, 2] and len(hidden) == 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": [0]}, "No factor is called 'colour': the factors are shape, scale, orientation, x, y"),
        ({"shape": [3]}, r"values of 'shape' as distinct numbers from 0 to 2, got \[3\]"),
        ({"shape": [1, 1]}, "distinct numbers"),
        ({"shape": []}, "distinct numbers"),
        ({"shape": 0}, "list of integers, or a number n >= 1"),
        ({"shape": [0.5]}, "list of integers"),
        ({"shape": "square"}, "list of integers"),
    ],
)
def test_wrong_values(values, message):
    with pytest.raises(UserError, match=message):
        data.load("dsprites_full", values=values)


def test_unknown_names_and_options():
    with pytest.raises(UserError, match="No data set is called 'sprites', .* use dsprites_full, .* tfds:NAME"):
        data.load("sprites")
    with pytest.raises(
        UserError, match="'dsprites_full' has no option 'split': it has values, correlation, size, origin"
    ):
        data.load("dsprites_full", split="train")
    with pytest.raises(UserError, match="got size 48: choose one of"):
        data.load("dsprites_full", size=48)
    with pytest.raises(UserError, match=r"got size 32\.0: choose one of"):
        data.load("dsprites_full", size=32.0)


def test_every_name_of_disentanglement_lib_is_known():
    dlib = "dsprites_full dsprites_noshape color_dsprites noisy_dsprites scream_dsprites smallnorb cars3d"
    dlib += " mpi3d_toy mpi3d_realistic mpi3d_real shapes3d dummy_data"
    assert set(dlib.split()) | {"mnist", "fashion_mnist", "celeba"} == set(data.names())


def test_gin_binds_everything():
    gin.parse_config(
        ["dataset.name = 'dsprites_full'", "dataset.values = {'x': [1, 2], 'orientation': 10}", "dataset.size = 16"]
    )
    images = data.load()
    assert images.shape == (16, 16, 1) and images.factors_num_values == [3, 6, 4, 2, 32]


def test_prepared_images_are_the_same_and_found_the_next_time():
    seen = []
    plain = data.load("dsprites_full", values=SMALL, size=32)
    ready = data.load("dsprites_full", values=SMALL, size=32, prepare=True, progress=lambda *state: seen.append(state))
    assert isinstance(ready.source, MappedSource) and seen == [(24, 24)]
    assert isinstance(data.load("dsprites_full", values=SMALL, size=32).source, MappedSource)
    assert not isinstance(data.load("dsprites_full", values=SMALL).source, MappedSource)
    np.testing.assert_array_equal(ready.images(np.arange(24)), plain.images(np.arange(24)))
    ready.source.path.write_bytes(b"damaged")
    again = data.load("dsprites_full", values=SMALL, size=32)
    np.testing.assert_array_equal(again.images(np.arange(24)), plain.images(np.arange(24)))


@pytest.mark.slow
def test_all_of_dsprites_packed():
    """377 MB of cache: the whole set, checked against its drawing at places drawn at random."""
    ready = data.load("dsprites_full", prepare=True)
    assert ready.source.path.stat().st_size == 128 + 737_280 * 512
    indices = np.random.default_rng(0).integers(len(ready), size=3000)
    np.testing.assert_array_equal(
        ready.images(indices), data.load("dsprites_full", origin="rendered").source.read(indices)
    )
    coloured = data.load("color_dsprites")
    assert isinstance(coloured.source.source, MappedSource)
    ready.source.path.unlink()


def test_inventory(official_folder, capsys):
    states = {row.name: row.state for row in inventory.list_data_sets()}
    assert states["dsprites_full"] == "rendered" and states["shapes3d"] == states["mnist"] == "missing"
    (official_folder / "mnist").mkdir()
    (official_folder / "mnist" / "t10k-images-idx3-ubyte").write_bytes(b"")
    (official_folder / "mpi3d_toy").mkdir()
    (official_folder / "mpi3d_toy" / "mpi3d_toy.npz").write_bytes(b"")
    states = {row.name: row.state for row in inventory.list_data_sets()}
    assert states["mnist"] == "in part" and states["mpi3d_toy"] == "ready"
    found = {row.name: row.state for row in inventory.check_datasets([])}
    found.pop("fashion_mnist", None)  # where Debian's package is installed
    assert found == {"mnist": "differs", "mpi3d_toy": "present"}
    with pytest.raises(UserError, match="No data set is called 'minst'"):
        list(inventory.check_datasets(["minst"]))


def _run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(BIN), *arguments], capture_output=True, text=True, env=os.environ)


def test_the_command_line(tmp_path):
    prepared = _run("prepare", "dsprites_full", "--gin_bindings", f"dataset.values = {SMALL}", "dataset.size = 32")
    assert prepared.returncode == 0 and "24 images of 32x32x1" in prepared.stdout, prepared.stderr
    (cached,) = cache.cache_folder().glob("*.npy")
    checked = _run("check")
    assert checked.returncode == 0 and "sound" in checked.stdout and str(cached) in checked.stdout
    cached.write_bytes(cached.read_bytes()[:-1] + b"?")
    checked = _run("check")
    assert checked.returncode == 2 and "damaged" in checked.stdout
    wrong = _run("prepare", "shapes3d")
    assert wrong.returncode == 2 and wrong.stderr.splitlines()[-1].startswith("error: 'shapes3d' needs the file")


def test_the_data_set_of_a_gin_file_is_prepared(tmp_path, capsys):
    (tmp_path / "a.gin").write_text(f"dataset.name = 'dsprites_full'\ndataset.values = {SMALL}\nvae.beta = 3\n")
    assert len(prepare_images(None, [str(tmp_path / "a.gin")], [])) == 24
    gin.clear_config()
    with pytest.raises(UserError, match="Expected the name of a data set, or a gin file"):
        prepare_images(None, [], [])
    with pytest.raises(UserError, match="The gin configuration is wrong"):
        prepare_images("dsprites_full", [], ["dataset.colour = 3"])
    with pytest.raises(UserError, match="b.gin does not exist"):
        prepare_images("dsprites_full", [str(tmp_path / "b.gin")], [])
    with pytest.raises(UserError, match="dataset.size must be a whole number or None, got '16'"):
        prepare_images("dsprites_full", [], ["dataset.size = '16'"])


def test_from_config_reads_the_configuration_and_not_gin():
    config = RunConfig({"dataset.name": "dsprites_full", "dataset.values": SMALL, "x.y": Reference("z", True)})
    gin.parse_config("dataset.size = 32")
    assert data.from_config(config).shape == (64, 64, 1)  # not gin's 32
    assert gin.query_parameter("dataset.size") == 32


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"name": Reference("call", True)}, {"name": 3}, {"name": "tfds:a:b"}, {"name": ""},
        {"name": "~nobody_at_all/x"}, {"name": "x" * 300}, {"name": "x/" * 3000 + "a.npz"},
        {"name": "dsprites_full", "values": {"x": Reference("f", True)}}, {"name": "dsprites_full", "size": 1e9},
        {"name": "dsprites_full", "values": {"x": float("inf")}},
    ],
    ids=lambda settings: str(settings)[-40:],
)  # fmt: skip
def test_from_config_refuses_wrong_data_sets_in_one_line(settings):
    with pytest.raises(UserError) as error:
        data.from_config(RunConfig({f"dataset.{name}": value for name, value in settings.items()}))
    assert len(str(error.value).splitlines()) == 1
