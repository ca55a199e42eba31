"""The package as pip installs it: the command, the gin files, the metrics beside it, all from another folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    "dataset.name = 'images.npz'",
    "model.encoder = @small_fc_encoder",
    "model.decoder = @small_fc_decoder",
    "small_fc_encoder.widths = (8,)",
    "small_fc_decoder.widths = (8,)",
    "population.images = 128",
    "population.generations = 1",
)


def call(*words, cwd):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    words = [str(word) for word in words]
    ended = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment with rdl's wheel, which finds what rdl needs where this one has it."""
    folder = tmp_path_factory.mktemp("installed")
    for name in ("rdl", "third_party", "gin_configs"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source", cwd=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    call(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    packages = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    (Path(packages) / "others.pth").write_text(sysconfig.get_path("purelib"))
    shutil.rmtree(folder / "source")
    return folder / "venv"


@pytest.mark.slow
def test_the_command_lists_its_commands(installed, tmp_path):
    listed = call(installed / "bin" / "rdl", "--help", cwd=tmp_path)
    for name in sorted(path.name for path in (ROOT / "bin").iterdir()):
        if "." not in name and "_" not in name and name not in ("quickstart", "test", "__pycache__"):
            assert f"rdl {name} " in listed
    assert "rdl train --gin_file" in call(installed / "bin" / "rdl", "train", "--help", cwd=tmp_path)


@pytest.mark.slow
def test_a_shipped_gin_file_trains_from_another_folder(installed, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, factors=np.arange(64)[:, None] % 4)
    arguments = ["--gin_file=baselines/beta_vae.gin", *(f"--gin_bindings={line}" for line in TINY)]
    measured = [f"--gin_bindings=Measurement.{name} = 32" for name in ("num_train", "num_test")]
    call(installed / "bin" / "rdl", "train", *arguments, *measured, cwd=tmp_path)
    summary = json.loads((tmp_path / "runs" / "beta_vae" / "results" / "summary.json").read_text())
    assert summary["images_trained"] == 128
    where = "import rdl, third_party.disentanglement_lib as d; print(rdl.__file__, *d.__path__, rdl.__version__)"
    python = installed / "bin" / "python"
    package, metrics, version = call(python, "-c", where, cwd=tmp_path).split()
    assert Path(package).is_relative_to(installed) and Path(metrics).is_relative_to(installed)
    assert f"Version: {version}" in next(installed.rglob("rdl-*.dist-info/METADATA")).read_text()
