"""bin/train as a user starts it: exit codes, and one line for what is wrong with the input."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.small_models import SMALL_VAE

ROOT = Path(__file__).resolve().parents[2]
CONFIG = f"""
{SMALL_VAE}
dataset.name = "{{images}}"
experiment.job = @search
population.size = 2
population.models = 1
population.images = 64
population.generations = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images, and a gin file that trains on them."""
    folder = tmp_path_factory.mktemp("bin_train")
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images)
    (folder / "tiny.gin").write_text(CONFIG.format(images=folder / "images.npz"))
    return folder


def train(*arguments, cwd=ROOT):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "train"), *map(str, arguments)],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def refusal(*arguments, cwd=ROOT):
    """The one line about what is wrong."""
    ended = train(*arguments, cwd=cwd)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_the_error_for_a_missing_gin_file_lists_the_available_ones():
    line = refusal("--gin_file=gin_configs/quickstat.gin")
    assert "gin_configs/quickstat.gin does not exist" in line
    assert "gin_configs/quickstart.gin" in line


def test_a_wrong_flag_is_the_users_fault_and_help_is_none():
    assert "gin_flie" in refusal("--gin_flie=x.gin")
    assert "value should be one of <serial|ray>" in refusal("--executor=threads")
    ended = train("--help")
    assert ended.returncode == 0
    assert "--gin_file" in ended.stdout


@pytest.mark.slow
def test_a_run_its_repetition_and_another_configuration(folder, tmp_path):
    arguments = (f"--gin_file={folder / 'tiny.gin'}", f"--output_dir={tmp_path / 'run'}")
    first = train(*arguments)
    assert first.returncode == 0, first.stderr
    assert "results/summary.json" in first.stdout
    summary = (tmp_path / "run" / "results" / "summary.json").read_text()
    again = train(*arguments, "--executor=ray")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "run" / "results" / "summary.json").read_text() == summary
    line = refusal(*arguments, "--gin_bindings=experiment.seed = 7")
    assert "another configuration" in line
    assert "experiment.seed = 7" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--gin_bindings=populaton.size = 3",), "populaton"),
        (("--gin_bindings=population.sizes = 3",), "sizes"),
        (("--gin_bindings=population.size =",), "gin configuration is wrong"),
        (("--gin_bindings=population.size = 'four'",), "must be a whole number of at least 1, got 'four'"),
        (("--gin_bindings=experiment.job = 'search'",), "experiment.job must be a function such as @name"),
        (("--gin_bindings=executor.name = 'threads'",), "must be 'serial' or 'ray'"),
        (("--gin_bindings=dataset.name = 'nowhere.npz'",), "nowhere.npz"),
        (("surplus",), "Expected flags only, got 'surplus'"),
        ((), "Nothing to do"),
    ],
)
def test_wrong_input_is_refused_in_one_line(folder, tmp_path, arguments, expected):
    gin_file = [f"--gin_file={folder / 'tiny.gin'}"] if arguments else []
    assert expected in refusal(*gin_file, *arguments, f"--output_dir={tmp_path / 'run'}", cwd=tmp_path)


@pytest.mark.slow
def test_a_file_in_the_way_of_the_output(folder, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/run"), Path("/sys/run")):
        line = refusal(f"--gin_file={folder / 'tiny.gin'}", f"--output_dir={output}")
        assert str(output) in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.zeros((3, 8, 8, 1), np.uint8), "images"),
        (np.zeros((64, 8), np.uint8), "images"),
        (np.full((64, 8, 8, 1), np.nan, np.float32), "NaN"),
        (np.array([{}] * 64, dtype=object), "pickle"),
    ],
)
def test_images_that_are_none(tmp_path, images, expected):
    np.savez(tmp_path / "images.npz", images=images)
    (tmp_path / "tiny.gin").write_text(CONFIG.format(images=tmp_path / "images.npz"))
    assert expected in refusal(f"--gin_file={tmp_path / 'tiny.gin'}", f"--output_dir={tmp_path / 'run'}")


@pytest.mark.slow
def test_a_truncated_npz(folder, tmp_path):
    (tmp_path / "images.npz").write_bytes((folder / "images.npz").read_bytes()[:2000])
    (tmp_path / "tiny.gin").write_text(CONFIG.format(images=tmp_path / "images.npz"))
    assert "images.npz" in refusal(f"--gin_file={tmp_path / 'tiny.gin'}", f"--output_dir={tmp_path / 'run'}")
