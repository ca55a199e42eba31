import errno
import fcntl
import multiprocessing
import os

import gin
import pytest

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import RunDirectory, RunReader
from rdl.runs.keys import MeasureKey

SETTINGS = {"executor.name": "serial", "population.fraction": 0.2, "population.size": 4}


def open_run(root, settings=SETTINGS):
    return RunDirectory(root, RunConfig(settings))


def start(root, settings=SETTINGS):
    with open_run(root, settings) as run:
        run.unit(MeasureKey("first"), lambda: {"score": 1})


def test_a_unit_is_computed_once(tmp_path):
    calls = []
    for _ in range(2):
        with RunDirectory(tmp_path / "run") as run:
            assert run.unit(MeasureKey("a"), lambda: calls.append(1) or {"score": 0.5}) == {"score": 0.5}
    assert len(calls) == 1


def test_a_unit_that_raises_is_not_recorded(tmp_path):
    with RunDirectory(tmp_path) as run:
        with pytest.raises(ZeroDivisionError):
            run.unit(MeasureKey("a"), lambda: {"score": 1 / 0})
        assert str(MeasureKey("a")) not in run.journal


def test_a_different_configuration_is_refused_and_the_error_names_the_difference(tmp_path):
    start(tmp_path)
    with pytest.raises(UserError, match=r"there: population.size = 4; here: population.size = 5") as error:
        open_run(tmp_path, {**SETTINGS, "population.size": 5})
    assert "\n" not in str(error.value)
    start(tmp_path)  # the lock was released


def test_an_additional_or_missing_setting_is_refused(tmp_path):
    start(tmp_path)
    with pytest.raises(UserError, match="there: nothing; here: population.images = 3"):
        open_run(tmp_path, {**SETTINGS, "population.images": 3})
    with pytest.raises(UserError, match="there: population.size = 4; here: nothing"):
        open_run(tmp_path, {key: value for key, value in SETTINGS.items() if key != "population.size"})


def test_swapped_values_are_refused(tmp_path):
    start(tmp_path, {"a.x": [1], "a.y": [2]})
    with pytest.raises(UserError, match=r"there: a.x = \[1\]; here: a.x = \[2\]"):
        open_run(tmp_path, {"a.x": [2], "a.y": [1]})


@pytest.mark.parametrize("change", [{"executor.name": "ray"}, {"scope/display.quiet": True}, {"x.study.name": "a"}])
def test_executor_display_and_study_may_change(tmp_path, change):
    start(tmp_path)
    start(tmp_path, {**SETTINGS, **change})
    start(tmp_path, {key: value for key, value in SETTINGS.items() if not key.startswith("executor.")})


def test_equivalent_gin_configurations_resume_the_same_run(tmp_path):
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


def test_the_gin_text_of_a_run_resumes_it(tmp_path):
    @gin.configurable("space", module="tests.run")
    def space(dimensions=None):
        return dimensions

    gin.parse_config("space.dimensions = {'width': 3, 'depth': @space}")  # gin writes the keys in another order
    with RunDirectory(tmp_path, RunConfig.from_gin()) as run:
        run.unit(MeasureKey("first"), lambda: {"score": 1})
    gin.clear_config()
    gin.parse_config(run.paths.config_text.read_text())
    RunDirectory(tmp_path, RunConfig.from_gin()).close()
    gin.clear_config()
    gin.parse_config("space.dimensions = {'width': 4, 'depth': @space}")
    with pytest.raises(UserError, match="another configuration"):
        RunDirectory(tmp_path, RunConfig.from_gin())


def test_a_run_without_a_finished_unit_may_start_over_with_other_settings(tmp_path):
    open_run(tmp_path).close()
    open_run(tmp_path, {}).close()
    assert RunReader.open(tmp_path).config.settings == {}


def test_the_gin_text_of_a_killed_start_is_replaced(tmp_path):
    config = RunConfig(SETTINGS, gin_text="population.size = 4\n")
    for _ in range(2):
        with RunDirectory(tmp_path, config) as run:
            run.unit(MeasureKey("first"), lambda: {"score": 1})
        assert run.paths.config_text.read_text() == config.gin_text
        run.paths.config_text.write_text("of a process that was killed before it wrote config.json")


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"settings": 1}', b"[" * 5000])
def test_a_damaged_configuration_is_refused(tmp_path, content):
    start(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    for read in (lambda: open_run(tmp_path), lambda: RunReader.open(tmp_path).config):
        with pytest.raises(UserError, match="config.json is damaged"):
            read()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds no run"):
        RunDirectory(tmp_path)


def test_files_of_a_killed_start_are_ignored(tmp_path):
    (tmp_path / ".config.gin.12.ab.tmp").write_text("half")
    (tmp_path / ".lock").touch()
    RunDirectory(tmp_path).close()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        RunDirectory(tmp_path / "file")
    with pytest.raises(UserError, match="not a folder"):
        RunDirectory(tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="no permission"):
        RunDirectory(tmp_path / "run")


_SECONDS = 60  # timeout for a process to start; tests that pass wait less


def _hold(root, connection):
    """Opens the run, sends "open" or the error, and keeps the run open until the other end sends or closes."""
    try:
        with RunDirectory(root):
            connection.send("open")
            connection.poll(_SECONDS)
    except UserError as error:
        connection.send(str(error))


@pytest.fixture
def holder():
    """A function that starts a process that opens a run, and returns the process and its message.

    The processes are killed at the end of the test.
    """
    context = multiprocessing.get_context("spawn")
    started = []

    def start(root):
        here, there = context.Pipe()
        process = context.Process(target=_hold, args=(root, there), daemon=True)
        started.append((process, here))
        process.start()
        there.close()
        return process, here.recv() if here.poll(_SECONDS) else f"no message in {_SECONDS} s"

    yield start
    for process, connection in started:
        connection.close()
        process.kill()
        process.join(_SECONDS)


def test_a_file_system_without_locks_has_its_own_error(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="its file system has no locks .No locks available."):
        RunDirectory(tmp_path)


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path, holder):
    process, message = holder(tmp_path)
    assert message == "open"
    with pytest.raises(UserError, match="in use by another process") as error:
        RunDirectory(tmp_path).close()
    assert "\n" not in str(error.value)
    process.kill()
    process.join(_SECONDS)
    assert process.exitcode is not None
    with RunDirectory(tmp_path):
        _, message = holder(tmp_path)
    assert message.startswith(f"{tmp_path} is in use by another process")
    _, message = holder(tmp_path)
    assert message == "open"


def test_a_run_with_finished_units_refuses_other_images(tmp_path):
    images = {"images": 200, "shape": [8, 8, 1], "factors": None, "content": "a"}
    with RunDirectory(tmp_path) as run:
        run.check_dataset({**images, "images": 100})
        run.check_dataset(images)  # allowed, as no unit is finished
        run.journal.append("session/000", {"seconds": 1.0})
        run.check_dataset(images)
        with pytest.raises(UserError, match=r"begun with other images \(images there: 200; here: 150\)"):
            run.check_dataset({**images, "images": 150})
        with pytest.raises(UserError, match=r"begun with other images \(content there: a; here: b\)"):
            run.check_dataset({**images, "content": "b"})


@pytest.mark.parametrize("name", ["journal.jsonl", "config.gin", "config.json"])
def test_a_folder_in_place_of_a_file_is_refused(tmp_path, name):
    with RunDirectory(tmp_path) as run:
        run.journal.append("session/000", {"seconds": 1.0})
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="a folder has this name"):
        RunDirectory(tmp_path)
