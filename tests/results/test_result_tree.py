"""The form of the result tree, and its reading back."""

import json

import pytest

from rdl.errors import UserError
from rdl.results import result_tree


def test_a_step_takes_along_the_steps_before(tmp_path):
    first, second = tmp_path / "model", tmp_path / "postprocessed" / "mean"
    result_tree.write_step(first, "train", {"model.name": "'beta_vae'"}, {"elbo": -3.5, "elapsed_time": 2.0})
    assert not result_tree.is_complete(second, "postprocess")
    aggregate = result_tree.write_step(
        second, "postprocess", {"postprocess.name": "'mean'"}, {"elapsed_time": 1.0}, first
    )
    assert result_tree.is_complete(second, "postprocess")
    assert aggregate == json.loads((second / "results/aggregate/postprocess.json").read_text())
    assert set(aggregate) == {
        "train_config.model.name",
        "train_results.elbo",
        "train_results.elapsed_time",
        "train_results.uuid",
        "postprocess_config.postprocess.name",
        "postprocess_results.elapsed_time",
        "postprocess_results.uuid",
    }
    assert aggregate["train_config.model.name"] == "'beta_vae'"
    assert aggregate["train_results.elbo"] == -3.5
    assert (second / "results/gin/train.gin").read_text() == "model.name = 'beta_vae'\n"
    assert aggregate["train_results.uuid"] != aggregate["postprocess_results.uuid"]


def test_a_step_without_the_step_before_is_refused(tmp_path):
    with pytest.raises(UserError, match="step before"):
        result_tree.write_step(tmp_path / "metrics", "evaluation", {}, {}, tmp_path / "absent")


def test_aggregates_are_fused_column_by_column_as_pandas_writes_them(tmp_path):
    for name, record in {"a.json": {"x": 1, "y": "'q'"}, "b.json": {"x": 2.5}}.items():
        (tmp_path / name).write_text(json.dumps(record))
    fused = result_tree.join_aggregates([tmp_path / "a.json", tmp_path / "b.json"], tmp_path)
    assert fused == {
        "x": {"0": 1, "1": 2.5},
        "y": {"0": "'q'", "1": None},
        "path": {"0": "a.json", "1": "b.json"},
    }


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.json").write_text("[1")
    with pytest.raises(UserError, match=r"x\.json"):
        result_tree.read_object(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(UserError, match="JSON object, got a list"):
        result_tree.read_object(tmp_path / "x.json")
