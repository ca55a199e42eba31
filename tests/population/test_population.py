import dataclasses
import json
import shutil
import sys

import gin
import pytest
from fake_task import SPACE, FakeTask

from rdl.callbacks.callback import Callback
from rdl.errors import UserError
from rdl.execution import SerialExecutor, build_executor
from rdl.population import Population, PopulationSettings
from rdl.runs import Layout, RunDirectory, files

STAGE = "x_run"
SETTINGS = PopulationSettings(size=8, models=1, generations=4, until_converged=False, search_space=SPACE)


class Stopped(Exception):
    """Simulates the end of the process."""


class StopsAfter(Callback):
    """Stops the run after a number of trained members."""

    def __init__(self, members: int):
        self.left = members

    def on_member_end(self, stage, member):
        self.left -= 1
        if not self.left:
            raise Stopped


def evolve(root, settings=SETTINGS, callback=None, seed=0, **options):
    with RunDirectory(root) as run:
        population = Population(run, STAGE, settings, seed, callback or Callback())
        return population.evolve(FakeTask(run.root, STAGE, **options), SerialExecutor())


def checkpoints(root):
    return {path.relative_to(root): files.sha256(path) for path in sorted(root.rglob("*.npz"))}


def test_every_parent_is_scored(tmp_path):
    result = evolve(tmp_path, diverges_at=0.1)
    assert result.reason == "4 generations done"
    for before, after in zip(result.generations, result.generations[1:], strict=False):
        assert all(before[member.parent].status == "scored" for member in after)


def test_the_search_continues_and_selects_no_failed_member_if_a_third_diverges(tmp_path):
    result = evolve(tmp_path, dataclasses.replace(SETTINGS, size=12, generations=6), diverges_at=0.1)
    failed = [sum(member.status == "failed" for member in members) for members in result.generations]
    assert failed[0] >= 4
    assert failed[-1] < failed[0]
    assert result.best.status == "scored"
    assert all(member.hyperparameters["learning_rate"] < 0.1 for member in result.generations[-1] if member.checksum)


def test_an_error_reports_why_all_members_diverged(tmp_path):
    with pytest.raises(UserError, match="All 8 members of generation 0 failed .diverged with"):
        evolve(tmp_path, diverges_at=0.0)


@pytest.mark.parametrize("stops", [1, 3, 8, 9, 17, 31])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, stops):
    whole = evolve(tmp_path / "whole", diverges_at=0.1)
    with pytest.raises(Stopped):
        evolve(tmp_path / "stopped", callback=StopsAfter(stops), diverges_at=0.1)
    assert evolve(tmp_path / "stopped", diverges_at=0.1) == whole
    assert checkpoints(tmp_path / "stopped") == checkpoints(tmp_path / "whole")


def test_recorded_members_are_not_trained_again(tmp_path):
    evolve(tmp_path)
    trained = StopsAfter(1)
    evolve(tmp_path, callback=trained)
    assert trained.left == 1


PEAK = [0.2, 0.8, 0.4, 0.8, 0.3]  # best score per generation: the second is the best, the fourth ties with it
PEAKED = dataclasses.replace(SETTINGS, size=4, generations=5)


class Peaked(FakeTask):
    """Gives member 2 the best score of every generation, as in PEAK."""

    def __call__(self, member):
        done = super().__call__(member)
        return member.with_score(PEAK[member.generation] - 0.01 * abs(member.index - 2), done.checksum)


def evolve_peaked(root, settings=PEAKED, callback=None):
    with RunDirectory(root) as run:
        population = Population(run, STAGE, settings, 0, callback or Callback())
        return population.evolve(Peaked(run.root, STAGE), SerialExecutor())


def test_the_best_of_all_generations_is_selected_and_ties_go_to_the_earlier(tmp_path):
    result = evolve_peaked(tmp_path)
    assert (result.best.generation, result.best.index, result.best.score) == (1, 2, 0.8)
    assert result.best_scores == PEAK
    with RunDirectory(tmp_path) as run:
        assert run.journal[f"{STAGE}/outcome"]["best"] == "generation_001/member_002"


def test_best_of_last_selects_from_the_last_generation(tmp_path):
    result = evolve_peaked(tmp_path, dataclasses.replace(PEAKED, best_of="last"))
    assert (result.best.generation, result.best.score) == (4, 0.3)
    assert [path.name for path in (tmp_path / STAGE / "members").iterdir()] == ["generation_004"]


def kept(root):
    return {path.relative_to(root / STAGE / "members").as_posix() for path in (root / STAGE / "members").rglob("*.npz")}


def test_the_last_generation_and_the_best_member_so_far_keep_their_checkpoints(tmp_path):
    remaining = []

    class Looks(Callback):
        def on_member_end(self, stage, member):
            if member.index == 0:
                remaining.append({path for path in kept(tmp_path) if int(path[11:14]) < member.generation - 1})

    evolve_peaked(tmp_path, callback=Looks())
    best = {"generation_001/member_002.npz"}
    assert remaining == [set(), set(), set(), best, best]  # generation 1 has a better member than generation 0
    assert kept(tmp_path) == best | {f"generation_004/member_{index:03d}.npz" for index in range(4)}


@pytest.mark.parametrize("stops", range(1, 20))
def test_the_best_members_checkpoint_survives_a_stop_anywhere(tmp_path, stops):
    whole = evolve_peaked(tmp_path / "whole")
    with pytest.raises(Stopped):
        evolve_peaked(tmp_path / "stopped", callback=StopsAfter(stops))
    assert evolve_peaked(tmp_path / "stopped") == whole
    assert checkpoints(tmp_path / "stopped") == checkpoints(tmp_path / "whole")


def test_the_best_members_lost_checkpoint_is_trained_again_from_its_ancestors(tmp_path):
    result = evolve_peaked(tmp_path)
    path = Layout(tmp_path).checkpoint(STAGE, result.best.name)
    content = path.read_bytes()
    shutil.rmtree(tmp_path / STAGE / "members")
    with RunDirectory(tmp_path) as run:
        population = Population(run, STAGE, PEAKED, 0, Callback())
        made = population.ensure_checkpoint(Peaked(run.root, STAGE), SerialExecutor(), result.best, result)
    assert made == path
    assert made.read_bytes() == content


@pytest.mark.parametrize(("low", "generations"), [(0.2, 5), (0.21, 1), (0.0, 5), (None, 5)])
def test_a_best_score_below_the_minimum_ends_the_search(tmp_path, low, generations):
    result = evolve_peaked(tmp_path, dataclasses.replace(PEAKED, min_score=low))
    assert len(result.generations) == generations
    assert result.low_score == (generations < 5)
    if result.low_score:
        assert result.reason == "nothing is left to learn: the best score is under 0.21"


def test_a_later_generation_below_the_minimum_ends_the_search_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PEAK", [0.5, 0.3, 0.1, 0.5, 0.5])
    result = evolve_peaked(tmp_path, dataclasses.replace(PEAKED, min_score=0.2))
    assert len(result.generations) == 3
    assert result.low_score
    assert result.best.generation == 0


def test_six_changes_need_seven_scores(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PEAK", [0.1, 0.5] + [0.501] * 8)
    settings = dataclasses.replace(PEAKED, generations=None, until_converged=True)
    result = evolve_peaked(tmp_path, settings)
    assert len(result.generations) == 8  # the jump to 0.5, then six changes
    assert result.reason == "converged: the last 6 changes of the best score are under 0.005"


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped"])
def test_a_lost_checkpoint_is_trained_again_from_its_ancestors(tmp_path, damage, caplog):
    with RunDirectory(tmp_path) as run:
        population = Population(run, STAGE, SETTINGS, 0, Callback())
        task = FakeTask(run.root, STAGE)
        result = population.evolve(task, SerialExecutor())
        path = run.paths.checkpoint(STAGE, result.best.name)
        content = path.read_bytes()
        for other in (tmp_path / STAGE / "members").rglob("*.npz"):
            other.unlink()  # and those of the ancestors
        if damage == "truncated":
            path.write_bytes(content[:-20])
        elif damage == "flipped":
            path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        records = dict(run.journal)
        assert population.ensure_checkpoint(task, SerialExecutor(), result.best, result) == path
        assert path.read_bytes() == content
        assert dict(run.journal) == records
    assert str(path) in caplog.text


def test_damaged_parents_are_trained_again_before_their_children(tmp_path, caplog):
    whole = evolve(tmp_path / "whole")
    with pytest.raises(Stopped):
        evolve(tmp_path / "stopped", callback=StopsAfter(8))
    for path in (tmp_path / "stopped" / STAGE / "members" / "generation_000").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert evolve(tmp_path / "stopped") == whole
    assert "is damaged: training it again" in caplog.text


@pytest.mark.parametrize("position", [0, 3, 12, -2])
def test_a_damaged_journal_line_costs_one_member(tmp_path, position):
    whole = evolve(tmp_path)
    before = checkpoints(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    lines[position] = lines[position].replace(b"learning_rate", b"learning-rate")
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines))
    with RunDirectory(tmp_path) as run:
        (note,) = run.journal.damaged
        assert str(tmp_path) in note
    counter = StopsAfter(2)
    assert evolve(tmp_path, callback=counter) == whole
    assert counter.left == 1
    assert {path: checkpoints(tmp_path)[path] for path in before} == before


def test_a_damaged_outcome_record_costs_no_member(tmp_path):
    whole = evolve(tmp_path)
    content = (tmp_path / "journal.jsonl").read_bytes()
    (tmp_path / "journal.jsonl").write_bytes(content[:-30] + content[-10:])
    trained = StopsAfter(1)
    assert evolve(tmp_path, callback=trained) == whole
    assert trained.left == 1
    with RunDirectory(tmp_path) as run:
        assert run.journal[f"{STAGE}/outcome"] == {"best": whole.best.name, "stopped": whole.reason}


class OtherMachine(FakeTask):
    """Trains different weights for the same member."""

    def __call__(self, member):
        return super().__call__(dataclasses.replace(member, seed=member.seed + 1))


def test_a_checkpoint_with_other_weights_changes_only_its_checksum(tmp_path, caplog):
    settings = dataclasses.replace(SETTINGS, generations=1)
    with RunDirectory(tmp_path) as run:
        population = Population(run, STAGE, settings, 0, Callback())
        result = population.evolve(FakeTask(run.root, STAGE), SerialExecutor())
        old = result.best
        path = run.paths.checkpoint(STAGE, old.name)
        path.unlink()
        population.ensure_checkpoint(OtherMachine(run.root, STAGE), SerialExecutor(), old, result)
        assert result.best == dataclasses.replace(old, checksum=files.sha256(path))
    assert "differs from the lost one" in caplog.text
    assert evolve(tmp_path, settings).best == result.best


def test_the_error_names_a_checkpoint_that_cannot_be_trained_again(tmp_path):
    settings = dataclasses.replace(SETTINGS, generations=1)
    with RunDirectory(tmp_path) as run:
        population = Population(run, STAGE, settings, 0, Callback())
        result = population.evolve(FakeTask(run.root, STAGE), SerialExecutor())
        run.paths.checkpoint(STAGE, result.best.name).unlink()
        with pytest.raises(UserError, match="is missing and cannot be trained again: diverged"):
            population.ensure_checkpoint(FakeTask(run.root, STAGE, 0.0), SerialExecutor(), result.best, result)


def test_a_damaged_generation_file_is_written_again(tmp_path):
    result = evolve(tmp_path)
    path = tmp_path / STAGE / "generation_001.json"
    path.write_text("[{]")
    evolve(tmp_path)
    assert json.loads(path.read_text()) == [member.to_record() for member in result.generations[1]]


def test_a_converged_search_stops(tmp_path):
    settings = dataclasses.replace(SETTINGS, generations=None, until_converged=True, window=2, tolerance=100.0)
    result = evolve(tmp_path, settings)
    assert len(result.generations) == 3
    assert result.reason.startswith("converged")


def test_a_larger_first_generation_shrinks_to_the_size(tmp_path):
    result = evolve(tmp_path, dataclasses.replace(SETTINGS, size=3, initial_factor=2))
    assert [len(members) for members in result.generations] == [6, 3, 3, 3]


def test_a_member_with_an_infinite_score_is_never_selected(tmp_path):
    class Infinite(FakeTask):
        def __call__(self, member):
            done = super().__call__(member)
            return member.with_score(float("inf"), done.checksum) if member.index == 3 else done

    with RunDirectory(tmp_path) as run:
        population = Population(run, STAGE, SETTINGS, 0, Callback())
        result = population.evolve(Infinite(run.root, STAGE), SerialExecutor())
    assert result.generations[0][3].status == "failed"
    assert result.best.index != 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"models": 0},
        {"generations": 0},
        {"fraction": 0.0},
        {"fraction": 0.6},
        {"until_converged": False},
        {"best_of": "first"},
        {"images": 0},
        {"tolerance": -0.1},
        {"periods": (1, 0), "rule": "frequencies"},
    ],
)
def test_invalid_settings_are_refused(wrong):
    with pytest.raises(UserError, match="population."):
        PopulationSettings(**wrong)


def test_images_per_generation():
    assert PopulationSettings().images_per_generation(737_280) == 737_280
    assert PopulationSettings().images_per_generation(40) == 10_000
    assert PopulationSettings(images=480_000).images_per_generation(40) == 480_000


def test_an_unknown_executor_is_refused():
    gin.parse_config("executor.name = 'threads'")
    with pytest.raises(UserError, match="executor.name must be"):
        build_executor()


def test_random_search_replaces_no_member(tmp_path):
    result = evolve(tmp_path, dataclasses.replace(SETTINGS, rule="none"), diverges_at=0.1)
    first, *others = result.generations
    living = [member for member in first if member.status == "scored"]
    assert 0 < len(living) < len(first)
    for members in others:
        assert [(m.index, m.hyperparameters) for m in members] == [(m.index, m.hyperparameters) for m in living]
        assert all(member.parent == member.index for member in members)


@pytest.mark.parametrize("rule", ["halving", "frequencies"])
@pytest.mark.parametrize("stops", [3, 11])
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_rule(tmp_path, rule, stops):
    settings = dataclasses.replace(SETTINGS, rule=rule, fraction=0.25)
    whole = evolve(tmp_path / "whole", settings, diverges_at=0.1)
    with pytest.raises(Stopped):
        evolve(tmp_path / "stopped", settings, StopsAfter(stops), diverges_at=0.1)
    assert evolve(tmp_path / "stopped", settings, diverges_at=0.1) == whole
    assert checkpoints(tmp_path / "stopped") == checkpoints(tmp_path / "whole")


class StopsEarly(Callback):
    """Returns a reason to stop after one generation, and counts its calls."""

    def __init__(self, generation: int):
        self.generation, self.questions = generation, 0

    def reason_to_stop(self, stage, members):
        self.questions += 1
        return "no time left" if members[0].generation == self.generation else ""


def test_a_callback_can_end_the_search_early(tmp_path):
    callback = StopsEarly(1)
    result = evolve(tmp_path, callback=callback)
    assert (len(result.generations), result.reason, result.low_score) == (2, "no time left", False)
    assert callback.questions == 2
    with RunDirectory(tmp_path) as run:
        assert run.journal[f"{STAGE}/early_stop"] == {"generation": 1, "reason": "no time left"}
        assert run.journal[f"{STAGE}/outcome"]["stopped"] == "no time left"


def test_a_recorded_early_stop_is_repeated_without_calling_the_callback(tmp_path):
    stopped = evolve(tmp_path, callback=StopsEarly(1))
    callback = StopsEarly(-1)
    assert evolve(tmp_path, callback=callback) == stopped
    assert callback.questions == 0


def test_a_search_that_has_begun_the_next_generation_does_not_stop_before_it(tmp_path):
    with pytest.raises(Stopped):
        evolve(tmp_path, callback=StopsAfter(9))  # one member of generation 1
    result = evolve(tmp_path, callback=StopsEarly(0))
    assert len(result.generations) == SETTINGS.generations


def test_no_callback_is_called_after_the_planned_end(tmp_path):
    callback = StopsEarly(-1)
    evolve(tmp_path, callback=callback)
    assert callback.questions == SETTINGS.generations - 1
