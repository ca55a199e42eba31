import json
import logging
import warnings

from rdl.callbacks.session_log import SessionLog
from rdl.config import RunConfig
from rdl.runs import RunDirectory, RunReader


def test_each_session_has_its_environment_and_warnings(tmp_path):
    root = tmp_path / "run"
    with RunDirectory(root) as run:
        first = SessionLog(run)
        logging.getLogger("rdl.population").warning("checkpoint %s is missing", "a.npz")
        logging.getLogger("rdl").info("no warning")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)  # pytest has replaced the handler
            logging.captureWarnings(True)
            warnings.warn("odd numbers", stacklevel=1)
        first.close()
        logging.getLogger("rdl").warning("between sessions")
        SessionLog(run).close()
    folder = root / "environment"
    assert sorted(path.name for path in folder.iterdir()) == ["000.json", "000.log", "001.json"]
    assert json.loads((folder / "001.json").read_text())["packages"]
    log = (folder / "000.log").read_text()
    assert "checkpoint a.npz is missing" in log
    assert "odd numbers" in log
    assert "no warning" not in log
    assert "between sessions" not in log


def test_a_run_without_finished_work_may_start_over(tmp_path):
    with RunDirectory(tmp_path / "run", RunConfig({"a.b": 1})) as run:
        SessionLog(run).close()
    with RunDirectory(tmp_path / "run", RunConfig({"a.b": 2})) as run:
        assert RunReader.open(run.root).config.settings == {"a.b": 2}
