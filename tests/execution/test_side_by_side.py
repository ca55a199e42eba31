"""Members in threads of one process: the same journal, whatever finishes first, and nothing left behind."""

import threading
import time
from dataclasses import dataclass

import pytest
from fake_task import SPACE, FakeTask

from rdl.callbacks.callback import Callback
from rdl.errors import UserError
from rdl.execution import SerialExecutor, go_on, place
from rdl.execution.side_by_side import Stopped
from rdl.population import Member, Population, PopulationSettings
from rdl.population.evolution import first_generation
from rdl.runs import Run

STAGE = "x_run"
SETTINGS = PopulationSettings(size=5, models=1, generations=3, until_converged=False, search_space=SPACE)
MEMBERS = first_generation(5, SPACE, (0, STAGE))


@pytest.fixture
def executor():
    executor = SerialExecutor()
    yield executor
    executor.close()


@pytest.fixture(autouse=True)
def _no_threads_are_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@dataclass(frozen=True)
class AtOnce(FakeTask):
    """Even members take longer than the odd ones after them."""

    at_once: int = 2

    def __call__(self, member: Member) -> Member:
        time.sleep(0.0 if member.index % 2 else 0.02)
        return super().__call__(member)


class Meets:
    """Waits until as many members are at work, each in a place of its own."""

    def __init__(self, at_once: int):
        self.at_once, self._all = at_once, threading.Barrier(at_once, timeout=5)
        self.places: list[int] = []

    def __call__(self, member: Member) -> Member:
        self._all.wait()
        self.places.append(place())
        return member.with_score(1.0, "checksum")


@dataclass
class Ends:
    """Works until it is told not to go on; counts what has begun."""

    begun: int = 0
    at_once: int = 2

    def __call__(self, member: Member) -> Member:
        self.begun += 1
        if member.index == 0:
            raise UserError("the disk is full")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            go_on()
        return member.with_score(1.0, "checksum")


def journal(root, task, executor):
    with Run(root) as run:
        Population(run, STAGE, SETTINGS, 0, Callback()).evolve(task(run.root, STAGE, diverges_at=0.1), executor)
        return list(run.journal.items())


def test_the_same_journal_in_the_same_order(tmp_path, executor):
    threaded = journal(tmp_path / "at_once", AtOnce, executor)
    assert threaded == journal(tmp_path / "serial", FakeTask, SerialExecutor())


@pytest.mark.parametrize(("asked", "set_to", "found"), [(2, None, 2), (1, 2, 2), (9, None, 4), (9, 2, 2)])
def test_as_many_at_once_as_asked_for_each_in_its_place(asked, set_to, found):
    executor, task = SerialExecutor(set_to), Meets(found)
    task.at_once = asked
    assert list(executor.map(task, MEMBERS[:4]))
    executor.close()
    assert set(task.places) == set(range(found))


def test_a_task_that_asks_for_nothing_never_leaves_its_thread():
    executor, places = SerialExecutor(2), []

    def task(member):
        places.append(threading.current_thread())
        return member

    assert list(executor.map(task, MEMBERS)) == MEMBERS
    assert set(places) == {threading.current_thread()}


def test_an_error_is_raised_here_and_ends_the_others(executor):
    task, started = Ends(), time.monotonic()
    with pytest.raises(UserError, match="the disk is full"):
        list(executor.map(task, MEMBERS))
    assert time.monotonic() - started < 4
    assert task.begun <= 3
    assert len(list(executor.map(Meets(2), MEMBERS[:4]))) == 4  # the executor goes on


def test_who_stops_asking_ends_what_is_at_work(executor):
    task, started = Ends(), time.monotonic()
    found = executor.map(task, MEMBERS[1:])
    impatient = threading.Timer(0.2, executor.close)
    impatient.start()
    with pytest.raises(Stopped):
        next(found)
    impatient.join()
    assert time.monotonic() - started < 4 and task.begun == 2


def test_a_number_that_makes_no_sense_is_refused():
    with pytest.raises(UserError, match="executor.at_once must be at least 1, got 0"):
        SerialExecutor(0)
