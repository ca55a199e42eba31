import pytest

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import RunDirectory, RunReader, files
from rdl.runs.keys import MeasureKey, SessionKey


def test_a_reader_returns_all_records_but_damaged_and_unknown_ones(tmp_path):
    with RunDirectory(tmp_path / "run", RunConfig({"a.b": 1})) as run:
        run.unit(MeasureKey("final"), lambda: {"mig": 0.5})
        run.journal.append("of a later version", {"score": 1})
        run.journal.append(str(SessionKey(0)), {"seconds": 2.5})
        for session in range(2):  # the first was killed
            files.write_json(run.paths.environment(session), {"python": session})
        run.paths.environment(1).with_suffix(".log").write_text("one\ntwo\n")
        with open(run.paths.journal, "ab") as file:
            file.write(b"damaged\n")
            file.write(b'{"key": "being writ')
    before = run.paths.journal.read_bytes()
    reader = RunReader.open(run.root)
    assert reader.records == {MeasureKey("final"): {"mig": 0.5}, SessionKey(0): {"seconds": 2.5}}
    assert reader.of_kind(MeasureKey) == {MeasureKey("final"): {"mig": 0.5}}
    assert reader.damaged == 1
    assert reader.used.settings == {"a.b": 1}
    assert [session.environment for session in reader.sessions] == [{"python": 0}, {"python": 1}]
    assert [session.seconds for session in reader.sessions] == [None, None]
    assert reader.sessions[1].warnings == ["one", "two"]
    assert run.paths.journal.read_bytes() == before


def test_durations_belong_to_the_last_sessions_if_environments_are_missing(tmp_path):
    with RunDirectory(tmp_path) as run:
        for session in range(2):
            run.journal.append(str(SessionKey(session)), {"seconds": 1.0 + session})
        files.write_json(run.paths.environment(1), {"python": 1})
    sessions = RunReader.open(tmp_path).sessions
    assert [(session.environment, session.seconds) for session in sessions] == [({}, 1.0), ({"python": 1}, 2.0)]


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        RunReader.open(tmp_path)
