"""Members trained at once in threads of one process give the same journal, and leave no threads behind."""

import threading
import time
from dataclasses import dataclass

import pytest
from fake_task import SPACE, FakeTask

from rdl.callbacks.callback import Callback
from rdl.errors import UserError
from rdl.execution import SerialExecutor, raise_if_stopped, worker_slot
from rdl.execution.worker_threads import Stopped
from rdl.population import Member, Population, PopulationSettings
from rdl.population.evolution import draw_first_generation
from rdl.runs import RunDirectory

STAGE = "x_run"
SETTINGS = PopulationSettings(size=5, models=1, generations=3, until_converged=False, search_space=SPACE)
MEMBERS = draw_first_generation(5, SPACE, (0, STAGE))


@pytest.fixture
def executor():
    executor = SerialExecutor()
    yield executor
    executor.close()


@pytest.fixture(autouse=True)
def _all_threads_end():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@dataclass(frozen=True)
class UnevenTask(FakeTask):
    """Even members take longer than the odd ones after them."""

    at_once: int = 2

    def __call__(self, member: Member) -> Member:
        time.sleep(0.0 if member.index % 2 else 0.02)
        return super().__call__(member)


class MeetingTask:
    """Waits until `at_once` members are at work at the same time; records their worker slots."""

    def __init__(self, at_once: int):
        self.at_once, self._all = at_once, threading.Barrier(at_once, timeout=5)
        self.slots: list[int] = []

    def __call__(self, member: Member) -> Member:
        self._all.wait()
        self.slots.append(worker_slot())
        return member.with_score(1.0, "checksum")


@dataclass
class StoppableTask:
    """Works until it is stopped; counts the members begun. Fails for member 0."""

    begun: int = 0
    at_once: int = 2

    def __call__(self, member: Member) -> Member:
        self.begun += 1
        if member.index == 0:
            raise UserError("the disk is full")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            raise_if_stopped()
        return member.with_score(1.0, "checksum")


def journal(root, task, executor):
    with RunDirectory(root) as run:
        Population(run, STAGE, SETTINGS, 0, Callback()).evolve(task(run.root, STAGE, diverges_at=0.1), executor)
        return list(run.journal.items())


def test_the_journal_is_the_same_as_of_one_member_at_a_time(tmp_path, executor):
    threaded = journal(tmp_path / "at_once", UnevenTask, executor)
    assert threaded == journal(tmp_path / "serial", FakeTask, SerialExecutor())


@pytest.mark.parametrize(("allowed", "configured", "at_once"), [(2, None, 2), (1, 2, 2), (9, None, 4), (9, 2, 2)])
def test_members_at_once_have_different_worker_slots(allowed, configured, at_once):
    executor, task = SerialExecutor(configured), MeetingTask(at_once)
    task.at_once = allowed
    assert list(executor.map(task, MEMBERS[:4]))
    executor.close()
    assert set(task.slots) == set(range(at_once))


def test_a_task_without_at_once_runs_in_the_callers_thread():
    executor, used = SerialExecutor(2), []

    def task(member):
        used.append(threading.current_thread())
        return member

    assert list(executor.map(task, MEMBERS)) == MEMBERS
    assert set(used) == {threading.current_thread()}


def test_an_error_in_a_unit_is_raised_and_stops_the_others(executor):
    task, started = StoppableTask(), time.monotonic()
    with pytest.raises(UserError, match="the disk is full"):
        list(executor.map(task, MEMBERS))
    assert time.monotonic() - started < 4
    assert task.begun <= 3
    assert len(list(executor.map(MeetingTask(2), MEMBERS[:4]))) == 4  # the executor can be used again


def test_closing_the_executor_stops_units_at_work(executor):
    task, started = StoppableTask(), time.monotonic()
    results = executor.map(task, MEMBERS[1:])
    closing = threading.Timer(0.2, executor.close)
    closing.start()
    with pytest.raises(Stopped):
        next(results)
    closing.join()
    assert time.monotonic() - started < 4 and task.begun == 2


def test_zero_members_at_once_are_refused():
    with pytest.raises(UserError, match="executor.at_once"):
        SerialExecutor(0)
