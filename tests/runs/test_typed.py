"""Records from JSON: of the right types, or told in one line."""

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


def test_there_and_back():
    assert typed(Whole, json.loads(json.dumps(dataclasses.asdict(WHOLE)))) == WHOLE


def test_what_has_a_default_may_be_absent_and_what_is_new_is_passed_over():
    assert typed(Part, {"sizes": [], "newer": 3}) == Part(())


@pytest.mark.parametrize(
    ("field", "value", "told"),
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
def test_what_is_of_another_type_is_named(field, value, told):
    with pytest.raises(UserError) as error:
        typed(Whole, {**dataclasses.asdict(WHOLE), field: value})
    assert told in str(error.value) and "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["sizes", "pair", "a"]), inner),
)


@given(JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_anything_is_a_record_or_told(content):
    try:
        part = typed(Part, content)
    except UserError:
        return
    assert all(type(size) is int for size in part.sizes)
