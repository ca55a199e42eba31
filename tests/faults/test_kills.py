"""SIGKILL at chosen and random calls of the whole recursion: the resumed run ends like an uninterrupted one."""

from pathlib import Path

import pytest
from killing import in_child
from made_up_recursion import state, train

from rdl.seeds import generator


def interrupted(tmp_path, whole, *deaths, torn=False):
    """Kills the run once for each of these calls, then lets it finish; returns its final state."""
    root = tmp_path / "run"
    for dies in deaths:
        ended = in_child(root, lambda: train(root, whole.images), dies, torn)
        assert ended.killed, ended.errors
    ended = in_child(root, lambda: train(root, whole.images))
    assert ended.code == 0, ended.errors
    return state(root)


def at(number):
    return lambda here, kind, path: here == number


def occurrence(which, kind, *parts):
    """Kills the process at the call of this kind with this number, among those whose path has all the parts."""
    calls = 0

    def dies(_, here, path):
        nonlocal calls
        calls += here == kind and all(part in path for part in parts)
        return calls > which

    return dies


CHOSEN = {
    "before the run has a configuration": occurrence(0, "rename", "config.gin"),
    "inside the first checkpoint": occurrence(0, "fsync", "x_run/members", "npz"),
    "inside a later checkpoint": occurrence(4, "fsync", "x_run/members", "npz"),
    "before a checkpoint has its name": occurrence(3, "rename", "x_run/members", "npz"),
    "between a checkpoint and its journal line": occurrence(5, "open", "journal.jsonl"),
    "inside a journal line": occurrence(5, "fsync", "journal.jsonl"),
    "between two generations": occurrence(0, "open", "x_run/.generation_001.json"),
    "while old checkpoints are removed": occurrence(0, "remove", "member_001.npz"),
    "when old checkpoints are removed": occurrence(0, "rmdir", "generation_000"),
    "when a stage removes all checkpoints but the best": occurrence(0, "remove", "x_run/members/generation_002"),
    "before the labels of a leaf run": occurrence(0, "rename", "leaf_0/labels.npz"),
    "before the journal line of an iteration": occurrence(9, "open", "journal.jsonl"),
    "between two iterations of a leaf run": occurrence(0, "open", "leaf_0/iteration_2", "indices.npy"),
    "between two leaf runs": occurrence(0, "mkdir", "leaf_1/iteration_1"),
    "in the final run": occurrence(2, "fsync", "final/members", "npz"),
    "before the verdict": occurrence(0, "rename", "verdict.json"),
    "while the model is exported": occurrence(0, "rename", "model"),
    "before the summary": occurrence(0, "rename", "summary.json"),
    "inside the last journal line": lambda _, kind, path: (
        kind == "fsync" and path.endswith("journal.jsonl") and '"key": "summary"' in Path(path).read_text()
    ),
}


@pytest.mark.parametrize("point", CHOSEN)
def test_killed(tmp_path, whole, point):
    assert interrupted(tmp_path, whole, CHOSEN[point], torn="inside" in point) == whole.state


def test_killed_in_a_final_run_with_a_warm_start(tmp_path, whole):
    warm = ("rpu_vae.warm_start = True",)
    ended = [in_child(tmp_path / "whole", lambda: train(tmp_path / "whole", whole.images, warm))]
    dies = occurrence(2, "fsync", "final/members", "npz")
    assert in_child(tmp_path / "run", lambda: train(tmp_path / "run", whole.images, warm), dies, True).killed
    ended += [in_child(tmp_path / "run", lambda: train(tmp_path / "run", whole.images, warm))]
    assert [end.code for end in ended] == [0, 0]
    assert state(tmp_path / "run") == state(tmp_path / "whole") != whole.state


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 50))])
def test_killed_at_random_calls(tmp_path, whole, seed):
    """One to three kills of the same run. Odd seeds tear the file that is flushed."""
    random = generator(seed, "kills")
    numbers = sorted(random.integers(1, len(whole.calls), size=1 + seed % 3).tolist(), reverse=True)
    # A resumed run makes fewer calls, so later kills come early in it.
    deaths = [at(numbers[0]), *(at(1 + number % 30) for number in numbers[1:])]
    assert interrupted(tmp_path, whole, *deaths, torn=bool(seed % 2)) == whole.state


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 20))])
def test_killed_at_a_random_call_with_three_concurrent_members(tmp_path, whole, seed):
    root, number = tmp_path / "run", int(generator(seed, "kills at once").integers(1, len(whole.calls)))
    ended = in_child(root, lambda: train(root, whole.images, at_once=3), at(number), torn=bool(seed % 2))
    assert ended.killed, ended.errors
    ended = in_child(root, lambda: train(root, whole.images, at_once=3))
    assert ended.code == 0, ended.errors
    assert state(root) == whole.state


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 8))
def test_killed_at_every_seventh_call(tmp_path, whole, first):
    for number in range(first, len(whole.calls), 7):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert interrupted(folder, whole, at(number), torn=True) == whole.state, whole.calls[number - 1]


def test_a_finished_run_is_not_changed(tmp_path, whole):
    root = tmp_path / "run"
    for _ in range(2):
        ended = in_child(root, lambda: train(root, whole.images))
        assert ended.code == 0
    assert {path for _, path in ended.calls} == {str(root), str(root / ".lock"), str(root / "config.gin")} or len(
        ended.calls
    ) < 12
    assert state(root) == whole.state
