"""The recursion with a label pool and a made-up learner: its labels, its pages, and killed runs."""

import json
import re
from types import SimpleNamespace

import pytest
from killing import in_child
from made_up_recursion import make_images, state, train

from rdl.report.page import write_report
from rdl.results.pool_table import read_pool_table
from rdl.runs import Layout, RunReader

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


def test_the_leaf_run_adds_the_factor_that_the_x_run_has_not_learned(whole):
    summary = json.loads((whole / "run" / "results" / "summary.json").read_text())
    assert (summary["pool.labels"], summary["leaf_0.labels_learned"], summary["leaf_1.labels_learned"]) == (2, 1, 0)
    assert summary["images_trained"] > 0 and "final.label_mig" in summary
    records = [json.loads(line) for line in (whole / "run" / "journal.jsonl").read_text().splitlines()]
    held = next(line["record"] for line in records if line["key"] == "leaf_0/held")
    assert held["labels"] == [0] and 100 <= held["images"] <= 140


def test_the_table_of_the_pool_shows_every_label_and_stage(whole):
    table = read_pool_table(RunReader.open(whole / "run"))
    assert [str(label.source).partition("/")[0] for label in table.labels] == ["x_run", "leaf_0"]
    for number, (row, label) in enumerate(zip(table.label_rows, table.labels, strict=True)):
        evidence = [f"{value:.2f}" for value in (label.kl, label.discreteness, label.dependence, label.replication)]
        judge = "its own source" if label.alternate is None else str(label.alternate)
        assert row[:7] == [str(number), str(label.source), *evidence, judge]
    assert table.label_rows[0][7] == "leaf_0, leaf_1"
    assert [(row[0], row[3]) for row in table.stage_rows] == [("x_run", "0"), ("leaf_0", "1"), ("leaf_1", "none")]
    held = json.loads(find_line(whole / "run", "leaf_0/held"))["record"]
    (low, high), images = held["ranges"][0], f"{held['images']:,}"
    assert table.stage_rows[1][1:3] == [images, f"0 in [{low:.2f}, {high:.2f}]"]


def find_line(root, key):
    return next(line for line in (root / "journal.jsonl").read_text().splitlines() if f'"{key}"' in line)


def test_report_and_tensorboard_show_the_pool(whole, tmp_path):
    table = read_pool_table(RunReader.open(whole / "run"))
    page = write_report([whole / "run"], tmp_path / "report").read_text()
    pool = page[page.index("The label pool") : page.index("The populations")]
    for row in table.label_rows + table.stage_rows:
        assert all(f">{cell}<" in pool for cell in row)
    assert re.findall(r"<figcaption>(.*?)</figcaption>", pool) == ["Label 0", "Label 1"]
    assert (tmp_path / "report/figures/pool_label_1.png").is_file()

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from rdl.callbacks.tensorboard import TensorBoard  # imports TensorFlow, which must not run before a fork

    paths = Layout(tmp_path / "run")
    paths.root.mkdir()
    (paths.root / "journal.jsonl").write_bytes((whole / "run/journal.jsonl").read_bytes())
    for _ in range(2):  # a resumed run adds nothing
        board = TensorBoard(SimpleNamespace(paths=paths), seed=0)
        board.on_labels_selected("x_run")
        board.close()
    events = EventAccumulator(str(paths.events("x_run", "population"))).Reload()
    (written,) = events.Tensors("x_run/label_pool")
    text = written.tensor_proto.string_val[0].decode()
    assert all(f"| {' | '.join(row)} |" in text for row in table.label_rows + table.stage_rows)


def test_a_damaged_pool_has_no_table(whole, tmp_path):
    (tmp_path / "config.json").write_bytes((whole / "run/config.json").read_bytes())
    line = json.loads(find_line(whole / "run", "x_run/pool"))
    line["record"]["labels"][0]["kl"] = "much"
    from rdl.runs.journal import Journal

    Journal(tmp_path / "journal.jsonl").append(line["key"], line["record"])
    assert read_pool_table(RunReader.open(tmp_path)) is None
    assert "The label pool" not in write_report([tmp_path]).read_text()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("fsync", ("leaf_0/iteration_1/members", "npz")),
        ("fsync", ("final/members", "npz")),
        ("rename", ("verdict.json",)),
    ],
)
def test_a_killed_run_ends_like_an_uninterrupted_one(whole, tmp_path, kind, parts):
    calls = 0

    def dies(_, here, path):
        nonlocal calls
        calls += here == kind and all(part in path for part in parts)
        return calls > 1 or (kind == "rename" and calls)

    root = tmp_path / "run"
    assert in_child(root, lambda: train(root, whole / "images.npz", BINDINGS), dies).killed
    ended = in_child(root, lambda: train(root, whole / "images.npz", BINDINGS))
    assert ended.code == 0, ended.errors
    assert state(root) == state(whole / "run")


def test_an_objective_without_labels_is_refused_before_training(whole, tmp_path):
    ended = in_child(tmp_path / "run", lambda: train(tmp_path / "run", whole / "images.npz", BINDINGS[:1]))
    assert ended.code == 2 and "pooled_labels" in ended.errors
