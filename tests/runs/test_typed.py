"""JSON values become typed records, or one-line errors."""

import dataclasses
import enum
import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.errors import UserError
from rdl.runs.typed import typed


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    sizes: tuple[int, ...]
    pair: tuple[int, float] | None = None


@dataclass(frozen=True)
class Whole:
    name: str
    score: float | None
    parts: list[Part]
    colour: Colour
    more: dict[str, float] = dataclasses.field(default_factory=dict)


WHOLE = Whole("a", 0.5, [Part((1, 2), (3, 4.0)), Part(())], Colour.RED, {"b": 1})


def test_a_record_is_read_back_from_json():
    assert typed(Whole, json.loads(json.dumps(dataclasses.asdict(WHOLE)))) == WHOLE


def test_fields_with_defaults_may_be_absent_and_unknown_fields_are_ignored():
    assert typed(Part, {"sizes": [], "newer": 3}) == Part(())


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", 3, "Whole.name: expected <class 'str'>, got 3"),
        ("score", "high", "Whole.score"),
        ("score", True, "Whole.score"),
        ("score", 1e308, "Whole.score"),
        ("score", float("nan"), "Whole.score"),
        ("parts", [{"sizes": [1e308]}], "Whole.parts.sizes"),
        ("parts", [{"sizes": [10**30]}], "Whole.parts.sizes"),
        ("parts", [{"sizes": [True]}], "Whole.parts.sizes"),
        ("parts", [{}], "Whole.parts: sizes is missing"),
        ("parts", {}, "Whole.parts"),
        ("parts", [{"sizes": [], "pair": [1]}], "Whole.parts.pair"),
        ("colour", "blue", "Whole.colour"),
        ("more", {"b": []}, "Whole.more.b"),
    ],
)
def test_a_field_of_another_type_is_named_in_one_line(field, value, expected):
    with pytest.raises(UserError) as error:
        typed(Whole, {**dataclasses.asdict(WHOLE), field: value})
    assert expected in str(error.value) and "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["sizes", "pair", "a"]), inner),
)


@given(JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_gives_a_record_or_a_user_error(content):
    try:
        part = typed(Part, content)
    except UserError:
        return
    assert all(type(size) is int for size in part.sizes)
