import json
import subprocess
from pathlib import Path

from rdl.runs import environment


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_environment_consists_of_json_values():
    found = json.loads(json.dumps(environment.describe()))
    assert found["packages"]["numpy"]
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**20
    assert found["processor"]
    assert found["kernels"] in ("oneDNN", "Eigen", "unknown")


def test_the_commit_shows_whether_files_have_changed(tmp_path: Path):
    assert environment.commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "a")
    clean = environment.commit(tmp_path)
    assert clean
    assert len(clean) == 40
    (tmp_path / "b").write_text("not tracked")
    assert environment.commit(tmp_path) == clean
    (tmp_path / "a").write_text("2")
    assert environment.commit(tmp_path) == f"{clean} (changed)"
