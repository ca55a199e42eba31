"""A study of four small models: training, measuring, resuming, and the same results on Ray workers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_models import SMALL_STUDY

pytest.importorskip("lightgbm")
ROOT = Path(__file__).resolve().parents[2]
STUDY = f"""
{SMALL_STUDY}
study.datasets = ("dsprites_full",)
study.methods = ("beta_vae", "dip_vae_ii")
study.strengths = {{"beta_vae": (4.0,), "dip_vae_ii": (5.0,)}}
study.seeds = 2
study.metrics = ("mig", "modularity_explicitness")
study.metric_bindings = (
    "mig.num_train = 200", "modularity_explicitness.num_train = 200", "modularity_explicitness.num_test = 100"
)
measure.dci_backend = "lightgbm"
"""
NUMBERS = [100, 101, 1000, 1001]  # (method * 6 + strength) * 50 + seed; methods 0 and 3, strength 2 of each
_VARYING = ("uuid", "elapsed", "path", "executor")


def study(folder: Path, root: Path, *flags: str) -> subprocess.CompletedProcess:
    (folder / "study.gin").write_text(STUDY)
    command = [sys.executable, str(ROOT / "bin" / "study"), "unsupervised_study_v1", "--gin_file=study.gin"]
    return subprocess.run([*command, f"--output_dir={root}", *flags], cwd=folder, capture_output=True, text=True)


def results(root: Path) -> list[dict]:
    """A row for each model and metric, without paths and times."""
    columns = json.loads((root / "results.json").read_text())
    same = {name: column for name, column in columns.items() if not any(word in name for word in _VARYING)}
    return [{name: column[row] for name, column in same.items()} for row in columns["path"]]


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    ended = study(folder, folder / "serial")
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder / "serial", ended.stdout


def test_every_model_is_trained_measured_and_reported(serial):
    root, output = serial
    assert [int(line.split("model ")[1].split(":")[0]) for line in output.splitlines() if " model " in line] == NUMBERS
    rows = results(root)
    assert sorted({int(row["train_config.model.model_num"]) for row in rows}) == NUMBERS
    for number in NUMBERS:
        own = [row for row in rows if int(row["train_config.model.model_num"]) == number]
        (mig,) = {row["evaluation_results.discrete_mig"] for row in own} - {None}
        assert 0 <= mig <= 1


def test_an_interrupted_study_resumes(serial, tmp_path):
    root, _ = serial
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    shutil.rmtree(copy / "1000")  # not begun
    shutil.rmtree(copy / "101" / "metrics")  # trained, not measured
    journals = {number: (copy / str(number) / "journal.jsonl").read_bytes() for number in (100, 101, 1001)}
    ended = study(tmp_path, copy)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert results(copy) == results(root)
    assert {number: (copy / str(number) / "journal.jsonl").read_bytes() for number in journals} == journals


def test_an_empty_study_is_refused(tmp_path):
    ended = study(tmp_path, tmp_path / "none", "--gin_bindings=study.methods = ()")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("error: The study selects no model")


@pytest.mark.slow
def test_ray_workers_give_the_same_study(serial, tmp_path):
    pytest.importorskip("ray")
    root, _ = serial
    ended = study(tmp_path, tmp_path / "ray", "--executor=ray", "--gin_bindings=executor.workers = 2")
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert results(tmp_path / "ray") == results(root)
