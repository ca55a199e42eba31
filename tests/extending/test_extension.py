"""An extended run has exactly the results of a run that was started with the final settings."""

import logging
import shutil
import sys
from pathlib import Path

import gin
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
import made_up_recursion
from made_up_recursion import MadeUpLearner, state

from rdl.errors import UserError
from rdl.extending.extension import extend_run
from rdl.jobs import experiment
from rdl.runs import RunReader
from rdl.runs.keys import IterationKey, MemberKey

SEARCH = ("experiment.job = @search", "search.score = @UDRScore()")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "images.npz"
    made_up_recursion.make_images(path)
    return path


@pytest.fixture(scope="module")
def two_leaf_runs(images, tmp_path_factory):
    """A finished recursion; copy it to change it."""
    root = tmp_path_factory.mktemp("runs") / "run"
    train(root, images)
    return root


def train(root, images, *bindings):
    level = logging.getLogger("rdl").level
    assert made_up_recursion.train(root, images, bindings) == 0
    logging.getLogger("rdl").setLevel(level)  # `made_up_recursion.train`, written for child processes, silences the log
    gin.clear_config()
    return root


def extend(root, messages=None, **changes):
    def resume(folder):
        return experiment.experiment(folder, make_learner=MadeUpLearner, make_callbacks=made_up_recursion._callbacks)

    return extend_run(root, resume, (messages if messages is not None else []).append, **changes)


def results_of(root):
    """The state of a run without its archives."""
    return {name: found for name, found in state(root).items() if not name.startswith("before/")}


def copy_of(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "run"))


def members(root):
    return {key for key in RunReader.open(root).records if isinstance(key, MemberKey)}


def test_extending_two_generations_to_four_gives_the_run_of_four(images, tmp_path):
    run = train(tmp_path / "run", images, *SEARCH, "population.generations = 2")
    before = (run / "journal.jsonl").read_bytes().splitlines()
    checkpoints = {path: path.stat().st_mtime_ns for path in run.rglob("members/generation_001/*.npz")}
    assert len(checkpoints) == 3, "the checkpoints of the last generation are kept"
    messages = []
    extend(run, messages, generations=4)
    whole = train(tmp_path / "whole", images, *SEARCH, "population.generations = 4")
    assert results_of(run) == results_of(whole)
    assert messages[0] == "All trained members stay valid."
    after = (run / "journal.jsonl").read_bytes().splitlines()
    void = (b'{"key": "summary"', b'{"key": "verdict"')  # of the earlier model
    kept = [line for line in before if not line.startswith(void)]
    assert after[: len(kept)] == kept, "kept records are unchanged"
    archive = run / "before" / "000"
    assert {"config.gin", "journal.jsonl", "results", "model"} <= {path.name for path in archive.iterdir()}


def test_more_generations_train_no_member_twice(images, tmp_path, monkeypatch):
    run = train(tmp_path / "run", images, *SEARCH, "population.generations = 2")
    trained, train_member = [], MadeUpLearner.train
    monkeypatch.setattr(
        MadeUpLearner,
        "train",
        lambda self, task, member: trained.append(member.generation) or train_member(self, task, member),
    )
    extend(run, generations=3)
    assert trained == [2, 2, 2]


CASES = {
    "a longer final run": ({"generations": 6}, ("final/population.generations = 6",)),
    "a third leaf run": ({"leaf_runs": 3}, ("rpu_vae.leaf_runs = 3",)),
    "a longer x-run": (
        {"bindings": ["x_run/population.generations = 5"]}, ("x_run/population.generations = 5",),
    ),
    "longer leaf runs": (
        {"bindings": ["leaf_run/population.generations = 4"]}, ("leaf_run/population.generations = 4",),
    ),
    "more images in leaf runs": (
        {"bindings": ["leaf_run/population.min_images = 20_000"]}, ("leaf_run/population.min_images = 20_000",),
    ),
    "a larger final population": ({"bindings": ["final/population.size = 5"]}, ("final/population.size = 5",)),
    "all at once": (
        {"leaf_runs": 3, "generations": 5, "bindings": ["leaf_run/population.generations = 3"]},
        ("rpu_vae.leaf_runs = 3", "final/population.generations = 5", "leaf_run/population.generations = 3"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_extended_recursion_equals_one_with_the_final_settings(images, two_leaf_runs, tmp_path, case):
    changes, bindings = CASES[case]
    run = copy_of(two_leaf_runs, tmp_path)
    extend(run, **changes)
    whole = train(tmp_path / "whole", images, *bindings)
    assert results_of(run) == results_of(whole)


POOLED = (
    'rpu_vae.labels = "population"', "model.objective = @pooled_labels", "pooled_labels.objective = @beta_tc_vae",
    "hold_fixed.min_images = 50",
)  # fmt: skip
POOLED_CASES = {
    "a longer final run": ({"generations": 6}, ("final/population.generations = 6",)),
    "a third leaf run": ({"leaf_runs": 3}, ("rpu_vae.leaf_runs = 3",)),
    "a longer x-run": (
        {"bindings": ["x_run/population.generations = 5"]}, ("x_run/population.generations = 5",),
    ),
    "longer leaf runs": (
        {"bindings": ["leaf_run/population.generations = 4"]}, ("leaf_run/population.generations = 4",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", POOLED_CASES)
def test_an_extended_recursion_with_a_label_pool_equals_one_with_the_final_settings(images, tmp_path, case):
    changes, bindings = POOLED_CASES[case]
    run = train(tmp_path / "run", images, *POOLED)
    extend(run, **changes)
    whole = train(tmp_path / "whole", images, *POOLED, *bindings)
    assert results_of(run) == results_of(whole)


def test_more_iterations_of_leaf_runs(images, tmp_path):
    run = train(tmp_path / "run", images, "iterate.max_iterations = 2")
    assert IterationKey(0, 2) not in RunReader.open(run).records
    extend(run, bindings=["iterate.max_iterations = 3"])
    assert results_of(run) == results_of(train(tmp_path / "whole", images, "iterate.max_iterations = 3"))


def test_the_messages_name_the_stages_that_are_trained_again(two_leaf_runs, tmp_path):
    run, messages = copy_of(two_leaf_runs, tmp_path), []
    stages = {key.stage for key in members(run)}
    extend(run, messages, leaf_runs=3)
    assert messages[0] == "Trained again: final."
    assert {key.stage for key in members(run)} == stages | {"leaf_2/iteration_1"}
    assert (run / "before" / "000" / "final" / "generation_000.json").exists()
    assert extend(run, messages, leaf_runs=3) == extend(run)  # a repeated extension changes nothing
    assert messages[-1].startswith("The run already has these settings")
    assert len(list((run / "before").iterdir())) == 1


def test_a_larger_budget_of_images_trains_more_generations(images, tmp_path):
    """A generation of the final run takes 60,000 images: 10,000 for each of two models of three members."""
    fixed_lengths = (
        "population.min_images = 10_000", "population.until_converged = False", "population.generations = 3",
        "leaf_run/population.generations = 2", "final/population.generations = 2",
    )  # fmt: skip

    def generations(root):
        return 1 + max(key.generation for key in members(root) if key.stage == "final")

    unlimited = train(tmp_path / "unlimited", images, *fixed_lengths)
    x_and_leaves = 2 * 10_000 * sum(key.stage != "final" for key in members(unlimited))
    run = train(tmp_path / "run", images, *fixed_lengths, f"rpu_vae.total_images = {x_and_leaves + 6 * 60_000}")
    assert generations(run) == 5  # the first has twice as many members
    few = train(tmp_path / "few", images, *fixed_lengths, f"rpu_vae.total_images = {x_and_leaves // 2}")
    assert generations(few) == 2, "population.generations is the minimum"
    more = f"rpu_vae.total_images = {x_and_leaves + 8 * 60_000}"
    extend(run, bindings=[more])
    assert generations(run) == 7
    assert results_of(run) == results_of(train(tmp_path / "whole", images, *fixed_lengths, more))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"generations": 1}, "generations = 1 is less"),
        ({"leaf_runs": 1}, "leaf_runs = 1 is less"),
        ({"bindings": ["experiment.seed = 1"]}, r"experiment.seed cannot be changed by extending \(not set there, 1"),
        ({"bindings": ["population.fraction = 0.3"]}, "population.fraction cannot be changed"),
        ({"bindings": ["x_run/population.size = 9"]}, "no work of the run stays valid"),
        ({"minutes": 0}, "--minutes must be a number above 0, got 0"),
        ({"minutes": float("nan")}, "--minutes must be a number above 0, got nan"),
        ({"minutes": 5, "generations": 9}, "give one of them"),
    ],
)
def test_incompatible_changes_are_refused_and_the_run_stays_unchanged(two_leaf_runs, changes, expected):
    before = state(two_leaf_runs)
    with pytest.raises(UserError, match=expected) as error:
        extend(two_leaf_runs, **changes)
    assert "\n" not in str(error.value)
    assert state(two_leaf_runs) == before
    assert not (two_leaf_runs / "before").exists()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        extend(tmp_path, generations=3)


def test_a_converged_run_can_train_more_generations(images, tmp_path):
    run = train(tmp_path / "run", images, *SEARCH, "population.window = 1", "population.tolerance = 1.0")
    assert "converged" in RunReader.open(run).summary["final.stopped"]
    assert extend(run, generations=4)["final.stopped"] == "4 generations done"


def test_a_search_with_nothing_left_to_learn_needs_a_lower_minimum_score(images, tmp_path):
    run = train(tmp_path / "run", images, *SEARCH, "population.min_score = 0.9")
    with pytest.raises(
        UserError, match="more generations change nothing: lower the minimum score too, .*population.min_score = 0.0"
    ):
        extend(run, generations=4)
    assert extend(run, generations=4, bindings=["population.min_score = 0.0"])["final.stopped"].startswith("4 ")


def test_an_x_run_without_factors_ends_with_its_model_and_can_be_extended(images, tmp_path):
    run = train(tmp_path / "run", images, "x_run/population.min_score = 0.9")
    reader = RunReader.open(run)
    assert reader.summary["final.stopped"] == "not started: the x-run learned no factor"
    assert "verdict.factors_found" in reader.summary and (run / "model" / "state.npy").is_file()
    assert {key.stage for key in members(run)} == {"x_run"}
    longer = ["x_run/population.generations = 6", "x_run/population.min_score = 0.0"]
    assert "final.leaf_mig" in extend(run, bindings=longer)
    assert results_of(run) == results_of(train(tmp_path / "whole", images, *longer))


LEAVES = "leaf_0/iteration_1, leaf_0/iteration_2, leaf_1/iteration_1, leaf_1/iteration_2"


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ("x_run/population.generations = 5", f"Trained again: {LEAVES}, final."),
        ("leaf_run/population.generations = 4", "Trained again: leaf_0/iteration_2, leaf_1/iteration_2, final."),
        ("leaf_run/population.min_images = 20_000", f"Trained again: {LEAVES}, final."),
        ("final/population.size = 5", "Trained again: final."),
        ("final/population.generations = 5", "All trained members stay valid."),
    ],
)
def test_stages_that_depend_on_a_change_are_trained_again(two_leaf_runs, tmp_path, changes, again):
    run, messages = copy_of(two_leaf_runs, tmp_path), []
    extend(run, messages, bindings=[changes])
    assert messages[0] == again
