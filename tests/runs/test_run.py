import errno
import fcntl
import multiprocessing
import os

import gin
import pytest

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import Layout, RunDirectory, RunReader
from rdl.runs.layout import MeasureKey

SETTINGS = {"executor.name": "serial", "population.fraction": 0.2, "population.size": 4}


def open_run(root, settings=SETTINGS):
    return RunDirectory(root, RunConfig(settings))


def start(root, settings=SETTINGS):
    with open_run(root, settings) as run:
        run.unit(MeasureKey("first"), lambda: {"score": 1})


def test_a_unit_is_done_once(tmp_path):
    calls = []
    for _ in range(2):
        with RunDirectory(tmp_path / "run") as run:
            assert run.unit(MeasureKey("a"), lambda: calls.append(1) or {"score": 0.5}) == {"score": 0.5}
    assert len(calls) == 1


def test_a_unit_that_raises_is_not_done(tmp_path):
    with RunDirectory(tmp_path) as run:
        with pytest.raises(ZeroDivisionError):
            run.unit(MeasureKey("a"), lambda: {"score": 1 / 0})
        assert MeasureKey("a").text not in run.journal


def test_another_configuration_is_refused_and_the_difference_named(tmp_path):
    start(tmp_path)
    with pytest.raises(UserError, match=r"there: population.size = 4; here: population.size = 5") as error:
        open_run(tmp_path, {**SETTINGS, "population.size": 5})
    assert "\n" not in str(error.value)
    start(tmp_path)  # the lock is free again


def test_one_setting_more_or_less_is_another_configuration(tmp_path):
    start(tmp_path)
    with pytest.raises(UserError, match="there: nothing; here: population.images = 3"):
        open_run(tmp_path, {**SETTINGS, "population.images": 3})
    with pytest.raises(UserError, match="there: population.size = 4; here: nothing"):
        open_run(tmp_path, {key: value for key, value in SETTINGS.items() if key != "population.size"})


def test_exchanged_values_are_another_configuration(tmp_path):
    start(tmp_path, {"a.x": [1], "a.y": [2]})
    with pytest.raises(UserError, match=r"there: a.x = \[1\]; here: a.x = \[2\]"):
        open_run(tmp_path, {"a.x": [2], "a.y": [1]})


@pytest.mark.parametrize("change", [{"executor.name": "ray"}, {"scope/display.quiet": True}, {"x.study.name": "a"}])
def test_executor_display_and_study_may_change(tmp_path, change):
    start(tmp_path)
    start(tmp_path, {**SETTINGS, **change})
    start(tmp_path, {key: value for key, value in SETTINGS.items() if not key.startswith("executor.")})


def test_configuration_of_gin_is_kept_and_compared(tmp_path):
    @gin.configurable("other", module="tests.run")
    def other(depth=1):
        return depth

    gin.parse_config("s/other.depth = %deep\ndeep = (2, @other)")
    start(tmp_path, RunConfig.from_gin().settings)
    gin.clear_config()
    gin.parse_config("s/other.depth = (2, @tests.run.other)")
    start(tmp_path, RunConfig.from_gin().settings)
    gin.clear_config()
    gin.parse_config("s/other.depth = 3")
    with pytest.raises(UserError, match=r"s/other.depth = \[2, @other\]"):
        open_run(tmp_path, RunConfig.from_gin().settings)


def test_a_run_without_a_finished_unit_may_start_over_with_other_settings(tmp_path):
    open_run(tmp_path).close()
    open_run(tmp_path, {}).close()
    assert RunReader.open(tmp_path).config.settings == {}


def test_gins_text_is_restored_from_the_configuration(tmp_path):
    config = RunConfig(SETTINGS, gin_text="population.size = 4\n")
    for _ in range(2):
        with RunDirectory(tmp_path, config) as run:
            run.unit(MeasureKey("first"), lambda: {"score": 1})
        assert run.paths.config_text.read_text() == config.gin_text
        run.paths.config_text.write_text("of a process that was killed before it wrote config.json")


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"settings": 1}', b"[" * 5000])
def test_damaged_configuration_is_refused(tmp_path, content):
    start(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    for read in (lambda: open_run(tmp_path), lambda: RunReader.open(tmp_path).config):
        with pytest.raises(UserError, match="config.json is damaged"):
            read()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds no run"):
        RunDirectory(tmp_path)


def test_what_a_killed_start_left_is_no_hindrance(tmp_path):
    (tmp_path / ".config.gin.12.ab.tmp").write_text("half")
    (tmp_path / ".lock").touch()
    RunDirectory(tmp_path).close()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        RunDirectory(tmp_path / "file")
    with pytest.raises(UserError, match="not a folder"):
        RunDirectory(tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="no permission"):
        RunDirectory(tmp_path / "run")


_SECONDS = 60  # for a process to start; none of these tests waits so long where all is well


def _hold(root, connection):
    """Opens the run and says how that went, then keeps it open until it is told to go or the other end is gone."""
    try:
        with RunDirectory(root):
            connection.send("open")
            connection.poll(_SECONDS)
    except UserError as error:
        connection.send(str(error))


@pytest.fixture
def holder():
    """Starts a process that opens a run; returns the process and what became of its try. It ends with the test."""
    context = multiprocessing.get_context("spawn")
    started = []

    def start(root):
        here, there = context.Pipe()
        process = context.Process(target=_hold, args=(root, there), daemon=True)
        started.append((process, here))
        process.start()
        there.close()
        return process, here.recv() if here.poll(_SECONDS) else f"no answer in {_SECONDS} s"

    yield start
    for process, connection in started:
        connection.close()
        process.kill()
        process.join(_SECONDS)


def test_a_file_system_without_locks_is_not_a_second_process(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="its file system has no locks .No locks available."):
        RunDirectory(tmp_path)


def test_a_second_process_is_refused_and_a_killed_one_lets_go(tmp_path, holder):
    process, said = holder(tmp_path)
    assert said == "open"
    with pytest.raises(UserError, match="in use by another process") as error:
        RunDirectory(tmp_path).close()
    assert "\n" not in str(error.value)
    process.kill()
    process.join(_SECONDS)
    assert process.exitcode is not None
    with RunDirectory(tmp_path):
        _, said = holder(tmp_path)
    assert said.startswith(f"{tmp_path} is in use by another process")
    _, said = holder(tmp_path)
    assert said == "open"


def test_a_run_goes_on_with_its_own_images_alone(tmp_path):
    images = {"images": 200, "shape": [8, 8, 1], "factors": None, "content": "a"}
    with RunDirectory(tmp_path) as run:
        run.check_dataset({**images, "images": 100})
        run.check_dataset(images)  # nothing is done yet
        run.journal.append("session/000", {"seconds": 1.0})
        run.check_dataset(images)
        with pytest.raises(UserError, match=r"begun with other images \(images there: 200; here: 150\)"):
            run.check_dataset({**images, "images": 150})
        with pytest.raises(UserError, match=r"begun with other images \(content there: a; here: b\)"):
            run.check_dataset({**images, "content": "b"})


@pytest.mark.parametrize("name", ["journal.jsonl", "config.gin", "config.json"])
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path, name):
    with RunDirectory(tmp_path) as run:
        run.journal.append("session/000", {"seconds": 1.0})
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="a folder of that name is in the way"):
        RunDirectory(tmp_path)


def test_nothing_behind_a_link_is_a_runs_own(tmp_path):
    own, others = tmp_path / "run", tmp_path / "others"
    for folder in (others / "generation_000", own / "a" / "members" / "generation_001", own / "b"):
        folder.mkdir(parents=True)
    (own / "a" / "members" / "generation_000").symlink_to(others / "generation_000")
    (own / "a" / "members" / "generation_x").mkdir()
    (own / "a" / "members" / "generation_002").write_text("")
    (own / "b" / "members").symlink_to(others)
    assert list(Layout(own).checkpoints("a")) == [1]
    assert not Layout(own).checkpoints("b")
