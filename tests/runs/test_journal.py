import errno
import json
import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.errors import UserError
from rdl.runs.journal import Journal

RECORDS = {f"stage/{i}": {"score": i / 3, "parent": None, "name": "é\n"} for i in range(5)}


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for key, record in RECORDS.items():
        journal.append(key, record)
    return tmp_path / "journal.jsonl"


def test_records_are_read_in_the_order_of_writing(path):
    journal = Journal(path)
    assert dict(journal) == RECORDS
    assert list(journal) == list(RECORDS)
    assert not journal.damaged


@settings(deadline=None)
@given(st.data())
def test_a_changed_byte_or_a_cut_loses_only_the_affected_lines(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = Journal(path)
    for key, record in RECORDS.items():
        journal.append(key, record)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        least = len(RECORDS) - 2  # a flipped line end takes two lines
    else:
        del content[place:]
        least = bytes(content).count(b"\n")
    path.write_bytes(content)
    journal = Journal(path)
    assert len(journal) >= least
    assert all(record == RECORDS[key] for key, record in journal.items())
    assert len(journal) == len(RECORDS) or journal.damaged or not content or content.endswith(b"\n")
    assert Journal(path).damaged == []  # damaged lines were removed
    for key, record in RECORDS.items():
        if key not in journal:
            journal.append(key, record)
    assert dict(Journal(path)) == RECORDS


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_damaged_line_is_reported_and_the_others_are_kept(path, number):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b"score", b"scare")
    path.write_bytes(b"".join(lines))
    journal = Journal(path)
    assert journal.damaged == [f"{path} line {number} is damaged; its unit of work is repeated"]
    assert set(RECORDS) - set(journal) == {f"stage/{number - 1}"}


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"3\n", b"{}\n", b'{"key": 1}\n', b"\xff\xfe\n", b"null\n"])
def test_lines_that_are_not_entries_are_damaged(path, line):
    path.write_bytes(path.read_bytes() + line)
    journal = Journal(path)
    assert dict(journal) == RECORDS
    assert len(journal.damaged) == 1


def test_the_last_record_of_a_key_is_valid(path):
    Journal(path).append("stage/1", {"score": 7})
    assert Journal(path)["stage/1"] == {"score": 7}


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_non_finite_numbers_are_refused_and_nothing_is_written(path, number):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        Journal(path).append("bad", {"score": number})
    assert path.read_bytes() == before


def test_a_full_disk_leaves_the_journal_unchanged(path, monkeypatch):
    before = path.read_bytes()
    journal = Journal(path)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full") as error:
        journal.append("next", {"score": 1})
    assert "\n" not in str(error.value)
    assert path.read_bytes() == before
    assert "next" not in journal
    monkeypatch.undo()
    assert journal.append("next", {"score": 1}) == {"score": 1}


def test_each_line_is_json(path):
    for line in path.read_text().splitlines():
        assert set(json.loads(line)) == {"key", "record", "sha256"}
