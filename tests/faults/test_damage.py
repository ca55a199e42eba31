"""Damaged files, full disks and second runs in the whole recursion."""

import os
import resource
import shutil
import subprocess

import pytest
from killing import in_child
from made_up_recursion import state, train

from rdl.runs import RunDirectory, RunReader


def stopped(tmp_path, whole, which):
    """A run that was killed after it had opened its journal `which` times."""
    root, calls = tmp_path / "run", 0

    def dies(_, kind, path):
        nonlocal calls
        calls += kind == "open" and path.endswith("journal.jsonl")
        return calls > which

    assert in_child(root, lambda: train(root, whole.images), dies).killed
    return root


def resume(root, whole):
    ended = in_child(root, lambda: train(root, whole.images))
    assert ended.code == 0, ended.errors
    return state(root)


@pytest.mark.parametrize("members", [8, 20])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "removed"])
def test_damaged_checkpoints_are_trained_again(tmp_path, whole, members, damage):
    root = stopped(tmp_path, whole, members)
    found = sorted(root.rglob("member_*.npz"))
    assert found
    for path in found:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flipped" else content[:100])
        if damage == "removed":
            path.unlink()
    assert resume(root, whole) == whole.state


@pytest.mark.parametrize("line", [0, 10, -1])
def test_the_units_of_damaged_journal_lines_are_repeated(tmp_path, whole, line):
    root = stopped(tmp_path, whole, 20)
    lines = (root / "journal.jsonl").read_bytes().splitlines(keepends=True)
    changed = bytearray(lines[line])
    changed[len(changed) // 2] ^= 4
    lines[line] = bytes(changed)
    (root / "journal.jsonl").write_bytes(b"".join(lines))
    assert resume(root, whole) == whole.state


def test_a_run_without_its_journal_starts_again(tmp_path, whole):
    root = stopped(tmp_path, whole, 20)
    (root / "journal.jsonl").unlink()
    assert resume(root, whole) == whole.state


@pytest.mark.parametrize("limit", [1_000, 9_000])
def test_a_limit_on_file_sizes_is_reported_in_one_line_and_loses_nothing(tmp_path, whole, limit):
    root = tmp_path / "run"

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return train(root, whole.images)

    ended = in_child(root, limited)
    assert ended.code == 2, ended.errors
    (line,) = [line for line in ended.errors.splitlines() if "error" in line.lower() and "cuda" not in line.lower()]
    assert "ulimit" in line
    assert str(root) in line
    done = RunDirectory(root, RunReader.open(root).config) if (root / "journal.jsonl").exists() else None
    if done is not None:
        assert not done.journal.damaged
        done.close()
    assert resume(root, whole) == whole.state


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few pages."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip(f"cannot mount a small disk: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_reported_in_one_line_and_loses_nothing(small_disk, whole):
    root = small_disk / "run"
    (small_disk / "ballast").write_bytes(bytes(20_000))
    ended = in_child(root, lambda: train(root, whole.images))
    assert ended.code == 2, ended.errors
    assert "the disk is full" in ended.errors
    assert "Traceback" not in ended.errors
    done = len((root / "journal.jsonl").read_bytes().splitlines())
    assert done > 3
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert resume(root, whole) == whole.state


def test_a_second_run_in_the_same_directory_is_refused(tmp_path, whole):
    root = tmp_path / "run"
    with RunDirectory(root):
        ended = in_child(root, lambda: train(root, whole.images))
    assert ended.code == 2
    assert "in use by another process" in ended.errors
    assert resume(root, whole) == whole.state


def test_a_resumed_run_may_change_display_and_executor_only(tmp_path, whole):
    root = stopped(tmp_path, whole, 4)
    ended = in_child(root, lambda: train(root, whole.images, ("experiment.seed = 1",)))
    assert ended.code == 2
    assert "experiment.seed = 1" in ended.errors
    ended = in_child(root, lambda: train(root, whole.images, ("display.quiet = False", "executor.retries = 1")))
    assert ended.code == 0, ended.errors
    configurations = ("config.gin", "config.json", "operative.gin", "operative.json")
    found, expected = state(root), dict(whole.state)
    for name in configurations:
        found.pop(name), expected.pop(name)
    assert found == expected
