"""Keys are read back as they were written, and a reader finds what a run wrote."""

import pytest

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import Layout, RunDirectory, RunReader, files
from rdl.runs.folders import finished_in
from rdl.runs.layout import (
    IterationKey,
    MeasureKey,
    MemberKey,
    OutcomeKey,
    SessionKey,
    SummaryKey,
    parse,
)

KEYS = {
    "x_run/generation_002/member_005": MemberKey("x_run", 2, 5),
    "leaf_0/iteration_1/generation_1000/member_1234": MemberKey("leaf_0/iteration_1", 1000, 1234),
    "generation_000/member_001": MemberKey("", 0, 1),
    "leaf_0/iteration_1/outcome": OutcomeKey("leaf_0/iteration_1"),
    "leaf_10/iteration_2": IterationKey(10, 2),
    "measure/x_model": MeasureKey("x_model"),
    "measure/7": MeasureKey("7"),
    "session/012": SessionKey(12),
    "summary": SummaryKey(),
}


@pytest.mark.parametrize("text", KEYS)
def test_keys_are_read_back_as_written(text):
    assert parse(text) == KEYS[text]
    assert KEYS[text].text == text


ENDLESS = "1" * 5000  # more digits than Python makes a number of

NO_KEYS = [
    "", "summary/", "leaf_0/iteration_x", "x_run/generation_002", "x_run/member_005", "a",
    f"x_run/generation_{ENDLESS}/member_000", f"leaf_{ENDLESS}/iteration_0", f"session/{ENDLESS}",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_KEYS, ids=lambda text: text[:30])
def test_what_is_no_key_is_told_from_one(text):
    assert parse(text) is None


def test_a_reader_finds_what_a_run_wrote_and_passes_over_what_is_damaged_or_new(tmp_path):
    with RunDirectory(tmp_path / "run", RunConfig({"a.b": 1})) as run:
        run.unit(MeasureKey("final"), lambda: {"mig": 0.5})
        run.journal.append("of a later version", {"score": 1})
        run.journal.append(SessionKey(0).text, {"seconds": 2.5})
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
    assert reader.sessions[1].warnings == ["one", "two"]
    assert run.paths.journal.read_bytes() == before


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        RunReader.open(tmp_path)


def test_finished_runs_are_found_in_a_folder_and_one_below(tmp_path):
    for name in ("b", "a"):
        files.write_json(Layout(tmp_path / name).summary, {})
    (tmp_path / "c").mkdir()
    assert finished_in(tmp_path) == [Layout(tmp_path / "a"), Layout(tmp_path / "b")]
    assert finished_in(tmp_path / "a") == [Layout(tmp_path / "a")]
