"""The keys of the journal: their texts, and the refusal of texts that no key has."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.runs import RunDirectory, RunReader
from rdl.runs.journal import Journal, checksum
from rdl.runs.keys import (
    EarlyStopKey,
    HeldFixedKey,
    IterationKey,
    Key,
    MeasureKey,
    MemberKey,
    OutcomeKey,
    PoolKey,
    SessionKey,
    SummaryKey,
    VerdictKey,
    member_name,
    parse,
)

TEXTS = {
    "x_run/generation_002/member_005": MemberKey("x_run", 2, 5),
    "leaf_0/iteration_1/generation_1000/member_1234": MemberKey("leaf_0/iteration_1", 1000, 1234),
    "leaf_0/iteration_1/outcome": OutcomeKey("leaf_0/iteration_1"),
    "final/early_stop": EarlyStopKey("final"),
    "leaf_0/iteration_1/pool": PoolKey("leaf_0/iteration_1"),
    "leaf_10/iteration_2": IterationKey(10, 2),
    "leaf_1/held": HeldFixedKey(1),
    "measure/x_model": MeasureKey("x_model"),
    "measure/7": MeasureKey("7"),
    "verdict": VerdictKey(),
    "session/012": SessionKey(12),
    "summary": SummaryKey(),
}


@pytest.mark.parametrize("text", TEXTS)
def test_each_kind_of_key_has_its_text(text):
    assert str(TEXTS[text]) == text
    assert parse(text) == TEXTS[text]


def test_all_kinds_of_keys_are_tested():
    assert {type(key) for key in TEXTS.values()} == {*Key.__subclasses__()}


def test_a_member_key_ends_with_the_name_of_the_member():
    assert str(MemberKey("x_run", 2, 5)) == f"x_run/{member_name(2, 5)}"


numbers = st.integers(0, 10**18 - 1)
folders = st.text("abcxyz_0123456789", min_size=1).filter(lambda name: name != "measure")
stages = st.lists(folders, min_size=1, max_size=3).map("/".join)
FIELDS = {"stage": stages, "name": folders, "generation": numbers, "index": numbers, "leaf": numbers,
          "iteration": numbers, "number": numbers}  # fmt: skip
keys = st.sampled_from(Key.__subclasses__()).flatmap(
    lambda kind: st.builds(kind, **{name: FIELDS[name] for name in kind.__annotations__})
)


@given(keys)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_parsing_the_text_of_a_key_gives_the_key(key):
    assert parse(str(key)) == key


@given(st.text() | st.from_regex(r"[a-z_0-9]*/?(generation|leaf|session|iteration|member)[_/]\d*(/[a-z_0-9]*)?"))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_parsed_text_is_the_text_of_its_key(text):
    key = parse(text)
    assert key is None or str(key) == text


MANY_DIGITS = "1" * 5000  # Python refuses to convert so many digits to an integer
MALFORMED = [
    "", "summary/", "leaf_0/iteration_x", "x_run/generation_002", "x_run/member_005", "a", "a\n", "x_run/outcome\n",
    "session/1", "session/-01", "session/٠١٢", "generation_000/member_001", "/outcome",
    f"x_run/generation_{MANY_DIGITS}/member_000", f"leaf_{MANY_DIGITS}/iteration_0", f"session/{MANY_DIGITS}",
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text[:30]))
def test_a_malformed_text_is_no_key(text):
    assert parse(text) is None


@pytest.mark.parametrize("key", [7, 1.5, None, True, ["summary"], {"summary": 1}])
def test_a_journal_line_whose_key_is_no_text_is_damaged(tmp_path, key):
    with RunDirectory(tmp_path) as run:
        run.unit(VerdictKey(), lambda: {"a": 1})
        entry = {"key": key, "record": {"a": 2}, "sha256": checksum(key, {"a": 2})}
        with open(run.paths.journal, "a") as file:
            file.write(json.dumps(entry) + "\n")
        reader = RunReader(run.paths)
        assert reader.records == {VerdictKey(): {"a": 1}}
        assert reader.damaged == 1
        assert len(Journal(run.paths.journal).damaged) == 1
