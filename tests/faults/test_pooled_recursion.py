"""The recursion with a label pool, with a made-up learner: what it finds, and that a killed run ends as a whole one."""

import json

import pytest
from killing import in_child
from made_up_recursion import make_images, state, train

BINDINGS = (
    'rpu_vae.labels = "population"',
    "model.objective = @pooled_labels",
    "pooled_labels.objective = @beta_tc_vae",
    "hold_fixed.min_images = 50",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pooled")
    make_images(folder / "images.npz")
    ended = in_child(folder / "run", lambda: train(folder / "run", folder / "images.npz", BINDINGS))
    assert ended.code == 0, ended.errors
    return folder


def test_the_leaf_run_adds_the_factor_that_the_x_run_lacks(whole):
    summary = json.loads((whole / "run" / "results" / "summary.json").read_text())
    assert (summary["pool.labels"], summary["leaf_0.labels_learned"], summary["leaf_1.labels_learned"]) == (2, 1, 0)
    assert summary["images_trained"] > 0 and "final.label_mig" in summary
    records = [json.loads(line) for line in (whole / "run" / "journal.jsonl").read_text().splitlines()]
    held = next(line["record"] for line in records if line["key"] == "leaf_0/held")
    assert held["labels"] == [0] and 100 <= held["images"] <= 140


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("fsync", ("leaf_0/iteration_1/members", "npz")),
        ("fsync", ("final/members", "npz")),
        ("rename", ("verdict.json",)),
    ],
)
def test_a_killed_run_ends_as_a_whole_one(whole, tmp_path, kind, parts):
    seen = 0

    def dies(_, here, path):
        nonlocal seen
        seen += here == kind and all(part in path for part in parts)
        return seen > 1 or (kind == "rename" and seen)

    root = tmp_path / "run"
    assert in_child(root, lambda: train(root, whole / "images.npz", BINDINGS), dies).killed
    ended = in_child(root, lambda: train(root, whole / "images.npz", BINDINGS))
    assert ended.code == 0, ended.errors
    assert state(root) == state(whole / "run")


def test_an_objective_without_labels_is_refused_before_anything_is_trained(whole, tmp_path):
    ended = in_child(tmp_path / "run", lambda: train(tmp_path / "run", whole / "images.npz", BINDINGS[:1]))
    assert ended.code == 2 and "pooled_labels" in ended.errors
