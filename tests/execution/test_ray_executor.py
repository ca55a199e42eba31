import logging
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from fake_task import SPACE, FakeTask
from ray_tasks import KilledOnce, KillsWorkers, RaisesUserError, ReportsProcess, record_process

from rdl.callbacks.callback import Callback
from rdl.errors import UserError
from rdl.execution import SerialExecutor, build_executor
from rdl.population import Population, PopulationSettings
from rdl.population.evolution import draw_first_generation
from rdl.runs import RunDirectory

ray = pytest.importorskip("ray")
ray_executor = partial(build_executor, "ray")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
STAGE = "x_run"
SETTINGS = PopulationSettings(size=8, models=1, generations=3, until_converged=False, search_space=SPACE)


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine with two CPUs, started once."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    yield
    ray.shutdown()


@pytest.fixture
def executor(cluster):
    executor = ray_executor(workers=2)
    yield executor
    executor.close()


def journal(root, executor, task=FakeTask, **options):
    with RunDirectory(root) as run:
        population = Population(run, STAGE, SETTINGS, 0, Callback())
        population.evolve(task(run.root, STAGE, **options), executor)
        return dict(sorted(run.journal.items()))


def test_the_journal_is_the_same_as_in_one_process(tmp_path, executor):
    assert journal(tmp_path / "ray", executor, diverges_at=0.1) == journal(
        tmp_path / "serial", SerialExecutor(), diverges_at=0.1
    )


def test_a_killed_worker_changes_nothing(tmp_path, executor, caplog):
    killed = journal(tmp_path / "ray", executor, KilledOnce)
    assert "was lost" in caplog.text
    assert killed == journal(tmp_path / "serial", SerialExecutor())


@pytest.mark.slow
def test_a_member_that_kills_every_worker_fails_with_the_reason(tmp_path, cluster):
    executor = ray_executor(workers=2, retries=1)
    members = draw_first_generation(4, SPACE, (0, STAGE))
    try:
        done = {m.index: m for m in executor.map(KillsWorkers(os.getpid(), {2}), members)}
    finally:
        executor.close()
    assert [done[i].status for i in range(4)] == ["scored", "scored", "failed", "scored"]
    assert "its worker was lost 2 times" in done[2].reason


@pytest.mark.slow
def test_members_are_yielded_as_they_finish(executor):
    members = draw_first_generation(3, SPACE, (0, STAGE))
    slow = ReportsProcess(seconds={0: 3.0})
    assert [member.index for member in executor.map(slow, members)][-1] == 0


@pytest.mark.slow
def test_workers_are_other_processes_set_up_once(tmp_path, cluster):
    executor = ray_executor(workers=2, setup=partial(record_process, str(tmp_path)))
    members = draw_first_generation(6, SPACE, (0, STAGE))
    try:
        pids = [m.details["pid"] for _ in range(2) for m in executor.map(ReportsProcess({}), members)]
    finally:
        executor.close()
    assert os.getpid() not in pids
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(str(pid) for pid in set(pids))
    assert {path.read_text() for path in tmp_path.iterdir()} == {"1"}


def test_an_exception_in_a_task_is_raised_with_its_type(executor):
    members = draw_first_generation(2, SPACE, (0, STAGE))
    with pytest.raises(UserError, match="^the disk is full$"):
        list(executor.map(RaisesUserError("the disk is full"), members))
    assert len(list(executor.map(ReportsProcess({}), members))) == 2  # the executor can be used again


@pytest.mark.slow
def test_an_exception_in_the_setup_is_raised(cluster):
    executor = ray_executor(workers=1, setup=partial(record_process, "/proc/nowhere"))
    with pytest.raises(Exception, match="nowhere"):
        list(executor.map(ReportsProcess({}), draw_first_generation(1, SPACE, (0, STAGE))))
    executor.close()


@pytest.mark.slow
def test_an_iterator_closed_early_leaves_no_work_behind(executor):
    members = draw_first_generation(4, SPACE, (0, STAGE))
    some = executor.map(ReportsProcess({3: 60.0, 2: 60.0}), members)
    assert {next(some).index, next(some).index} == {0, 1}
    some.close()
    assert len(list(executor.map(ReportsProcess({}), members))) == 4


def test_ray_is_not_started_for_no_members():
    assert list(ray_executor(address="nowhere:1").map(ReportsProcess({}), [])) == []


def test_a_worker_larger_than_the_cluster_is_refused(cluster):
    with pytest.raises(UserError, match=r"64 CPUs.*executor\.cpus"):
        list(ray_executor(cpus=64).map(ReportsProcess({}), draw_first_generation(1, SPACE, (0, STAGE))))


@pytest.mark.parametrize("wrong", [{"cpus": 0}, {"gpus": -1}, {"retries": -1}, {"workers": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=f"executor.{next(iter(wrong))}"):
        ray_executor(**wrong)


_SCRIPT = """
import sys
sys.path[:0] = {path!r}
import signal
for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs start with SIGINT ignored
    signal.signal(number, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
from fake_task import SPACE
from ray_tasks import ReportsProcess
from rdl.population.evolution import draw_first_generation
from rdl.execution.ray_executor import RayExecutor
executor = RayExecutor(workers=1)
try:
    for member in executor.map(ReportsProcess({{1: 600.0}}), draw_first_generation(2, SPACE, (0, "x_run"))):
        print(member.details["pid"], flush=True)
except KeyboardInterrupt:
    executor.close()
    sys.exit(130)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_the_workers(number):
    script = _SCRIPT.format(
        path=[str(Path(__file__).parent), str(Path(__file__).parents[1] / "population"), str(Path(__file__).parents[2])]
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        pid = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    pytest.fail(f"worker {pid} still runs")
