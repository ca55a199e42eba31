"""A run that is extended ends as if it had been asked for all at the start, to the last digit."""

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
    begun(root, images)
    return root


def begun(root, images, *bindings):
    level = logging.getLogger("rdl").level
    assert made_up_recursion.train(root, images, bindings) == 0
    logging.getLogger("rdl").setLevel(level)  # it is written for a child process, and silences the log
    gin.clear_config()
    return root


def extended(root, said=None, **asked):
    def train(folder):
        return experiment.experiment(folder, make_learner=MadeUpLearner, make_callbacks=made_up_recursion._callbacks)

    return extend_run(root, train, (said if said is not None else []).append, **asked)


def what_counts(root):
    """Without what was set aside, and the folder's own name."""
    return {name: found for name, found in state(root).items() if not name.startswith("before/")}


def copied(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "run"))


def members(root):
    return {key for key in RunReader.open(root).records if isinstance(key, MemberKey)}


def test_two_generations_extended_to_four_are_four_from_the_start(images, tmp_path):
    run = begun(tmp_path / "run", images, *SEARCH, "population.generations = 2")
    before = (run / "journal.jsonl").read_bytes().splitlines()
    checkpoints = {path: path.stat().st_mtime_ns for path in run.rglob("members/generation_001/*.npz")}
    assert len(checkpoints) == 3, "the last generation waits to be trained further"
    said = []
    extended(run, said, generations=4)
    whole = begun(tmp_path / "whole", images, *SEARCH, "population.generations = 4")
    assert what_counts(run) == what_counts(whole)
    assert said[0] == "All trained members stay."
    after = (run / "journal.jsonl").read_bytes().splitlines()
    void = (b'{"key": "summary"', b'{"key": "verdict"')  # of the model that was handed over
    kept = [line for line in before if not line.startswith(void)]
    assert after[: len(kept)] == kept, "records are kept as they are"
    aside = run / "before" / "000"
    assert {"config.gin", "journal.jsonl", "results", "model"} <= {path.name for path in aside.iterdir()}


def test_nothing_is_trained_twice_where_the_last_generation_is_there(images, tmp_path, monkeypatch):
    run = begun(tmp_path / "run", images, *SEARCH, "population.generations = 2")
    trained = []
    train = MadeUpLearner.train
    monkeypatch.setattr(
        MadeUpLearner,
        "train",
        lambda self, task, member: trained.append(member.generation) or train(self, task, member),
    )
    extended(run, generations=3)
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
def test_a_recursion_extended_is_one_from_the_start(images, two_leaf_runs, tmp_path, case):
    asked, bindings = CASES[case]
    run = copied(two_leaf_runs, tmp_path)
    extended(run, **asked)
    whole = begun(tmp_path / "whole", images, *bindings)
    assert what_counts(run) == what_counts(whole)


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
def test_a_recursion_with_a_label_pool_extended_is_one_from_the_start(images, tmp_path, case):
    asked, bindings = POOLED_CASES[case]
    run = begun(tmp_path / "run", images, *POOLED)
    extended(run, **asked)
    whole = begun(tmp_path / "whole", images, *POOLED, *bindings)
    assert what_counts(run) == what_counts(whole)


def test_deeper_leaf_runs(images, tmp_path):
    run = begun(tmp_path / "run", images, "iterate.max_iterations = 2")
    assert IterationKey(0, 2) not in RunReader.open(run).records
    extended(run, bindings=["iterate.max_iterations = 3"])
    assert what_counts(run) == what_counts(begun(tmp_path / "whole", images, "iterate.max_iterations = 3"))


def test_what_stays_and_what_is_trained_again_is_told(two_leaf_runs, tmp_path):
    run, said = copied(two_leaf_runs, tmp_path), []
    stages = {key.stage for key in members(run)}
    extended(run, said, leaf_runs=3)
    assert said[0] == "Trained again: final."
    assert {key.stage for key in members(run)} == stages | {"leaf_2/iteration_1"}
    assert (run / "before" / "000" / "final" / "generation_000.json").exists()
    assert extended(run, said, leaf_runs=3) == extended(run)  # the same once more changes nothing
    assert said[-1].startswith("The run has these settings already")
    assert len(list((run / "before").iterdir())) == 1


def test_a_budget_of_images_is_spent_and_more_of_it_trains_on(images, tmp_path):
    """A generation of the final run costs 60,000 images of models: three members of two, 10,000 each."""
    settled = ("population.min_images = 10_000", "population.until_converged = False", "population.generations = 3",
               "leaf_run/population.generations = 2", "final/population.generations = 2")  # fmt: skip

    def generations(root):
        return 1 + max(key.generation for key in members(root) if key.stage == "final")

    whatever = begun(tmp_path / "whatever", images, *settled)
    x_and_leaves = 2 * 10_000 * sum(key.stage != "final" for key in members(whatever))
    run = begun(tmp_path / "run", images, *settled, f"rpu_vae.total_images = {x_and_leaves + 6 * 60_000}")
    assert generations(run) == 5  # the first has twice as many members
    few = begun(tmp_path / "few", images, *settled, f"rpu_vae.total_images = {x_and_leaves // 2}")
    assert generations(few) == 2, "the least"
    more = f"rpu_vae.total_images = {x_and_leaves + 8 * 60_000}"
    extended(run, bindings=[more])
    assert generations(run) == 7
    assert what_counts(run) == what_counts(begun(tmp_path / "whole", images, *settled, more))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"generations": 1}, "generations = 1 is less"),
        ({"leaf_runs": 1}, "leaf_runs = 1 is less"),
        ({"bindings": ["experiment.seed = 1"]}, r"experiment.seed cannot be changed by extending \(not set there, 1"),
        ({"bindings": ["population.fraction = 0.3"]}, "population.fraction cannot be changed"),
        ({"bindings": ["x_run/population.size = 9"]}, "leave nothing of the run valid"),
        ({"minutes": 0}, "--minutes must be a number above 0, got 0"),
        ({"minutes": float("nan")}, "--minutes must be a number above 0, got nan"),
        ({"minutes": 5, "generations": 9}, "give one of them"),
    ],
)
def test_what_would_make_records_void_is_refused_and_nothing_is_touched(two_leaf_runs, asked, expected):
    before = state(two_leaf_runs)
    with pytest.raises(UserError, match=expected) as error:
        extended(two_leaf_runs, **asked)
    assert "\n" not in str(error.value)
    assert state(two_leaf_runs) == before
    assert not (two_leaf_runs / "before").exists()


def test_no_run(tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        extended(tmp_path, generations=3)


def test_a_run_that_converged_goes_on_where_more_generations_are_asked_for(images, tmp_path):
    run = begun(tmp_path / "run", images, *SEARCH, "population.window = 1", "population.tolerance = 1.0")
    assert "converged" in RunReader.open(run).summary["final.stopped"]
    assert extended(run, generations=4)["final.stopped"] == "4 generations done"


def test_a_search_that_had_nothing_left_to_learn_says_what_to_lower(images, tmp_path):
    run = begun(tmp_path / "run", images, *SEARCH, "population.min_score = 0.9")
    with pytest.raises(UserError, match="more generations change nothing: lower it too, .*population.min_score = 0.0"):
        extended(run, generations=4)
    assert extended(run, generations=4, bindings=["population.min_score = 0.0"])["final.stopped"].startswith("4 ")


def test_an_x_run_that_learned_nothing_ends_with_its_model_and_a_verdict_and_can_go_on(images, tmp_path):
    run = begun(tmp_path / "run", images, "x_run/population.min_score = 0.9")
    reader = RunReader.open(run)
    assert reader.summary["final.stopped"] == "not started: the x-run learned no factor"
    assert "verdict.factors_found" in reader.summary and (run / "model" / "state.npy").is_file()
    assert {key.stage for key in members(run)} == {"x_run"}
    longer = ["x_run/population.generations = 6", "x_run/population.min_score = 0.0"]
    assert "final.leaf_mig" in extended(run, bindings=longer)
    assert what_counts(run) == what_counts(begun(tmp_path / "whole", images, *longer))


LEAVES = "leaf_0/iteration_1, leaf_0/iteration_2, leaf_1/iteration_1, leaf_1/iteration_2"


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        ("x_run/population.generations = 5", f"Trained again: {LEAVES}, final."),
        ("leaf_run/population.generations = 4", "Trained again: leaf_0/iteration_2, leaf_1/iteration_2, final."),
        ("leaf_run/population.min_images = 20_000", f"Trained again: {LEAVES}, final."),
        ("final/population.size = 5", "Trained again: final."),
        ("final/population.generations = 5", "All trained members stay."),
    ],
)
def test_what_follows_from_a_change_is_trained_again(two_leaf_runs, tmp_path, asked, again):
    run, said = copied(two_leaf_runs, tmp_path), []
    extended(run, said, bindings=[asked])
    assert said[0] == again
