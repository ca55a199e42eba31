"""SIGKILL at random moments of a search with real training, in one process and with Ray."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from killing import in_child
from made_up_recursion import state

from rdl.seeds import generator

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


AT_ONCE = ("executor.at_once = 2",)


def train(root, images, bindings=()):
    import trained_run

    return trained_run.train(root, images, bindings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The uninterrupted run."""
    import trained_run

    folder = tmp_path_factory.mktemp("trained")
    images, root = folder / "images.npz", folder / "run"
    trained_run.make_images(images)
    started = time.perf_counter()
    ended = in_child(root, lambda: train(root, images))
    if ended.code:
        pytest.fail(ended.errors)
    return SimpleNamespace(images=images, calls=ended.calls, state=results(root), seconds=time.perf_counter() - started)


def results(root):
    """The state without configurations, as the executor may differ."""
    return {name: value for name, value in state(root).items() if not name.startswith(("config.", "operative."))}


def test_concurrent_members_give_the_same_run(tmp_path, trained):
    ended = in_child(tmp_path / "run", lambda: train(tmp_path / "run", trained.images, AT_ONCE))
    assert ended.code == 0, ended.errors
    assert results(tmp_path / "run") == trained.state


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_a_random_call(tmp_path, trained, seed):
    """Every third run is resumed with two concurrent members."""
    root, number = tmp_path / "run", int(generator(seed, "trained kills").integers(1, len(trained.calls)))
    ended = in_child(root, lambda: train(root, trained.images), lambda here, *_: here == number, torn=bool(seed % 2))
    assert ended.killed, ended.errors
    ended = in_child(root, lambda: train(root, trained.images, () if seed % 3 else AT_ONCE))
    assert ended.code == 0, ended.errors
    assert results(root) == trained.state


def command(root, images, *bindings):
    return [sys.executable, str(HERE / "trained_run.py"), str(root), str(images), *bindings]


RAY = ("executor.name = 'ray'", "executor.workers = 2")


def members_done(root):
    journal = root / "journal.jsonl"
    return journal.read_bytes().count(b'"population/') if journal.exists() else 0


def test_ray_gives_the_same_run(tmp_path, trained):
    subprocess.run(command(tmp_path / "run", trained.images, *RAY), check=True, capture_output=True)
    assert results(tmp_path / "run") == trained.state


@pytest.mark.parametrize("seed", range(3))
def test_killed_with_ray(tmp_path, trained, seed):
    """The process of the run is killed at a random moment after some members; another process resumes it with Ray."""
    root, random = tmp_path / "run", generator(seed, "ray kills")
    after, wait = int(random.integers(0, 7)), float(random.random())
    process = subprocess.Popen(command(root, trained.images, *RAY), start_new_session=True, stderr=subprocess.DEVNULL)
    while members_done(root) < after and process.poll() is None:
        time.sleep(0.05)
    time.sleep(wait)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command(root, trained.images, *RAY), check=True, capture_output=True)
    assert results(root) == trained.state


def test_a_killed_ray_worker_changes_nothing(tmp_path, trained):
    root = tmp_path / "run"
    process = subprocess.Popen(command(root, trained.images, *RAY), stderr=subprocess.DEVNULL)
    while members_done(root) < 4 and process.poll() is None:
        time.sleep(0.05)
    workers = [pid for pid in _descendants(process.pid) if b"_Worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    assert process.wait() == 0
    assert results(root) == trained.state


def _descendants(pid):
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_descendants(int(child))]
    return found
