"""A study of gin files over seeds: its runs, its tables, failed runs and resuming."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rdl.cli import configure
from rdl.errors import UserError
from rdl.jobs.studies import run as run_module
from rdl.jobs.studies.seeded import check_cases, make_cases
from rdl.report.study_page import write_study
from rdl.results.study_results import format_study, read_study, summarize_study
from rdl.runs import files
from tests.run_configs import write_config
from tests.small_models import SMALL_STUDY

configure()

ROOT = Path(__file__).resolve().parents[2]
TOY = f"""
{SMALL_STUDY}
dataset.name = "dsprites_full"
experiment.job = @search
population.size = 1
population.models = 1
population.until_converged = False
population.search_space = @one_point()
study.metrics = ("mig",)
study.metric_bindings = ("mig.num_train = 200",)
"""
BETAS = {"one": "vae", "other": "beta_tc_vae"}


@pytest.fixture
def paths(tmp_path):
    for name, objective in BETAS.items():
        own = f"model.objective = @{objective}\none_point.objective = @{objective}\n"
        (tmp_path / f"{name}.gin").write_text(TOY + own)
    return [str(tmp_path / f"{name}.gin") for name in BETAS]


def test_cases_are_ordered_by_seed(paths):
    places = [case.place for case in make_cases(paths, "3,0-1")]
    assert places == ["one/3", "other/3", "one/0", "other/0", "one/1", "other/1"]


@pytest.mark.parametrize("seeds", ["", "1-", "2-1", "a", "0-1000000000"])
def test_malformed_seeds_are_refused_in_one_line(paths, seeds):
    with pytest.raises(UserError, match="--seeds") as error:
        make_cases(paths, seeds)
    assert "\n" not in str(error.value)


def test_missing_files_and_files_of_the_same_name_are_refused(paths, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.gin").write_text(TOY)
    with pytest.raises(UserError, match="same name one"):
        make_cases([*paths, str(tmp_path / "more" / "one.gin")], "0")
    with pytest.raises(UserError, match="does not exist"):
        make_cases([str(tmp_path / "none.gin")], "0")


def test_all_files_are_checked_before_training(paths, tmp_path):
    Path(paths[1]).write_text(TOY + "threads.models_side_by_side = False")
    with pytest.raises(UserError, match="threads"):
        check_cases(make_cases(paths, "0"), (), ())
    Path(paths[1]).write_text(TOY.replace("experiment.job = @search", ""))
    with pytest.raises(UserError, match="experiment.job"):
        check_cases(make_cases(paths, "0"), (), ())
    Path(paths[1]).write_text(TOY + "population.sise = 3")
    with pytest.raises(UserError, match="sise"):
        check_cases(make_cases(paths, "0"), (), ())


def test_time_left_is_estimated_from_runs_of_the_same_file(paths, tmp_path, monkeypatch):
    clock = iter([0.0, 10.0, 310.0, 320.0, 620.0])
    monkeypatch.setattr(run_module.time, "perf_counter", lambda: next(clock))
    cases = make_cases(paths, "0-1,7")
    files.write_json(tmp_path / "one" / "7" / "results" / "summary.json", {})  # done before
    progress = run_module.StudyProgress(cases, tmp_path)
    lines = [
        progress.describe_result(run_module.CaseResult(case, seconds))
        for case, seconds in zip(cases[:4], (10.0, 300.0, 10.0, 300.0), strict=True)
    ]
    # Runs of one take 10 s, of other 300 s. After one/0, all are expected to take 10 s. After four, other/7 is left.
    assert lines[0].endswith("about 40 s left")
    assert lines[1].endswith("about 10 min left")  # 10 + 2 x 300 s
    assert lines[3].startswith("[4/6] ") and lines[3].endswith("about 5 min left")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    for name, objective in BETAS.items():
        own = f"model.objective = @{objective}\none_point.objective = @{objective}\n"
        (folder / f"{name}.gin").write_text(TOY + own)
    return folder, run(folder)


def run(folder: Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "bin" / "study"), "one.gin", "other.gin", "--seeds=0-1", "--output_dir=out"]
    return subprocess.run([*command, *flags], cwd=folder, capture_output=True, text=True)


def test_a_study_trains_measures_and_reports(made):
    folder, ended = made
    assert ended.returncode == 0, ended.stderr[-3000:]
    runs = read_study(folder / "out")
    assert [(one.file, one.seed, one.state) for one in runs] == [
        (name, seed, "done") for name in ("one", "other") for seed in (0, 1)
    ]
    columns = json.loads((folder / "out" / "results.json").read_text())
    assert list(columns["train_config.model.name"].values()) == ["'one'", "'one'", "'other'", "'other'"]
    assert list(columns["train_config.model.random_seed"].values()) == ["0", "1", "0", "1"]
    measured = list(columns["evaluation_results.discrete_mig"].values())
    assert [
        one.results.set_index(["metric", "measured_by"])["value"]["mig.discrete_mig", "bin/evaluate"] for one in runs
    ] == measured
    assert "| one | 2 |" in ended.stdout and "### MIG" in ended.stdout
    page = (folder / "out" / "report" / "index.html").read_text()
    assert "mean [95 %]" in page and "one/0" in page


@pytest.mark.slow
def test_a_failed_run_is_reported_and_retried(made, tmp_path):
    folder, _ = made
    shutil.copytree(folder, tmp_path / "copy")
    folder = tmp_path / "copy"
    shutil.rmtree(folder / "out" / "one" / "1")
    (folder / "out" / "one" / "1").write_text("a file in place of the run directory")
    ended = run(folder)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("error: 1 of 4 models failed: one/1 in ")
    assert "| one | 1; failed 1 (seed 1) |" in ended.stdout
    assert "- one, seed 1: --output_dir must be a folder" in ended.stdout
    (folder / "out" / "one" / "1").unlink()
    journals = {path: path.read_bytes() for path in (folder / "out").glob("*/*/journal.jsonl")}
    ended = run(folder)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert {path: path.read_bytes() for path in journals} == journals and len(journals) == 3
    assert [one.state for one in read_study(folder / "out")] == ["done"] * 4


def test_tables_name_missing_and_failed_seeds(tmp_path):
    for seed, mig in ((0, 0.3), (1, None), (2, 0.5)):
        write_config(tmp_path / "a" / str(seed))
        if mig is not None:
            summary = {"final.discrete_mig": mig, "x_model.discrete_mig": mig / 2, "experiment": "rpu_vae"}
            files.write_json(tmp_path / "a" / str(seed) / "results" / "summary.json", summary)
    files.write_json(tmp_path / "a" / "7.failed.json", {"reason": "no luck"})
    runs = read_study(tmp_path)
    assert [(run.seed, run.state) for run in runs] == [(0, "done"), (1, "not finished"), (2, "done"), (7, "failed")]
    (table,) = summarize_study(runs).values()
    table = table.set_index("method")
    assert table.loc["a"]["n"] == "2; failed 1 (seed 7); missing 1 (seed 1)"
    assert table.loc["a"]["mean [95 %]"] == "0.400 (0.300, 0.500)"
    assert table.loc["a: x-model"]["mean [95 %]"] == "0.200 (0.150, 0.250)"
    assert table.loc["a: x-model"]["P(a better)"] == "1.000, paired p = 0.50"
    assert "no luck" in format_study(runs)


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(UserError, match="no study"):
        read_study(tmp_path)
    with pytest.raises(UserError, match="found no run"):
        write_study(tmp_path)
