"""gin files are checked when they are read: names, scopes, macros and types."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import gin
import pytest

from rdl.config import format_bindings, reading
from rdl.config.ranges import Between, Bins, Units
from rdl.errors import UserError


@gin.configurable("bindings_part")
@dataclass(frozen=True)
class Part:
    rates: Sequence[float] = ()
    steps: int | None = None


@gin.configurable("bindings_other")
def other() -> dict[str, int]:
    return {}


@gin.configurable("bindings_starter")
def starter(folder: str, part: Part | None = None) -> None:
    pass


@gin.configurable("bindings_taker")
def taker(part: Part) -> None:
    pass


@gin.configurable("bindings_whole")
def whole(
    images: object,
    name: str = "",
    quiet: bool = False,
    scale: float = 1.0,
    part: Part | None = None,
    make: Callable[[], Part] | None = None,
    parts: Mapping[str, Part] | None = None,
    job: Callable[[Part], None] | None = None,
    untold=None,
    points=100,
    exact=False,
    widths: Sequence[Units] = (8,),
    bins: Bins | None = None,
    rate: Annotated[float, Between(0.5)] = 1.0,
) -> None:
    pass


@pytest.mark.parametrize(
    "binding",
    [
        "name = 'a'", "name = %text", "quiet = True", "scale = 2", "scale = 0.5", "part = None",
        "part = @bindings_part()", "part = @small/bindings_part()", "make = @bindings_part",
        "parts = {'a': @bindings_part()}", "job = @bindings_taker", "untold = 3", "points = 0.5", "exact = True",
        "untold = @bindings_part", "widths = (1, 1000000)", "bins = 2", "bins = None", "rate = 0.5", "bins = %two",
    ],
)  # fmt: skip
def test_what_fits_is_taken(binding):
    gin.parse_config(f"text = 'a'\ntwo = 2\nbindings_whole.{binding}\nsmall/bindings_part.rates = (1, 2.5)")
    reading.check_types()


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        ("bindings_whole.name = 3", "a text in quotes, got 3"),
        ("bindings_whole.quiet = 'no'", "True or False, got 'no'"),
        ("bindings_whole.quiet = 0", "True or False, got 0"),
        ("bindings_whole.scale = True", "a number, got True"),
        ("bindings_whole.scale = None", "a number, got None"),
        ("bindings_whole.part = 5", "a Part such as @name() makes or None, got 5"),
        ("bindings_whole.part = @bindings_part", "@name() makes or None, got @bindings_part"),
        ("bindings_whole.make = @bindings_part()", "such as @name or None, got @bindings_part()"),
        ("bindings_whole.part = @bindings_other()", "a Part such as @name() makes or None, got @bindings_other()"),
        ("bindings_whole.make = @bindings_other", "got @bindings_other"),
        ("bindings_whole.make = 'bindings_part'", "such as @name or None, got 'bindings_part'"),
        ("bindings_whole.parts = {'a': 1}", "a dictionary whose values are each a Part"),
        ("bindings_whole.job = @bindings_starter", "such as @name or None, got @bindings_starter"),
        ("bindings_whole.scale = 1e400", "must be finite, got inf"),
        ("bindings_part.rates = (1, -1e400)", "must be finite, got -inf"),
        ("bindings_whole.untold = [{'a': (1e400,)}]", "must be finite, got inf"),
        ("bindings_whole.untold = 1j", "made of numbers, texts, lists and dictionaries, got 1j"),
        ("bindings_part.steps = 100000000000000000000", "at most 9223372036854775807, got a number of 21 digits"),
        ("macro = 1e400", "macro must be finite, got inf"),
        ("bindings_whole.scale = 1e39", "must be at most 3.4e+38, got 1e+39"),
        ("bindings_whole.widths = (8, 0)", "each a whole number from 1 to 1,000,000, got (8, 0)"),
        ("bindings_whole.widths = (8.0,)", "each a whole number from 1 to 1,000,000, got (8.0,)"),
        ("bindings_whole.bins = 1", "a whole number from 2 to 10,000 or None, got 1"),
        ("bindings_whole.bins = 10001", "a whole number from 2 to 10,000 or None, got 10001"),
        ("bindings_whole.rate = 0.4", "a number of at least 0.5, got 0.4"),
        ("bindings_whole.points = '5'", "a number, got '5'"),
        ("bindings_whole.exact = 3", "True or False, got 3"),
        ("bindings_part.rates = 5", "a list whose parts are each a number, got 5"),
        ("bindings_part.rates = (1, '2')", "each a number, got (1, '2')"),
        ("in/scope/bindings_part.steps = 1.5", "in/scope/bindings_part.steps must be a whole number or None, got 1.5"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_one_line(binding, told):
    gin.parse_config(binding)
    with pytest.raises(UserError) as error:
        reading.check_types()
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        ("bindings_part.rates = (1,", "a bracket or a quote is not closed"),
        ("bindings_part.rates = %ratse", "The macro %ratse is not defined (did you mean 'rates'?)"),
        ("bindings_whole.parts = {'a': @lef_run/bindings_part(), 'b': %a/b}", "The macro %a/b is not defined"),
        ("lef_run/bindings_part.steps = 3", "enters the scope 'lef_run' of lef_run/bindings_part.steps (did you mean"),
        ("leaf_run/smal/bindings_part.steps = 3", "enters the scope 'smal'"),
        ("bindings_part.steps = " + "(" * 3000, "wrong"),
        ("bindings_part.steps = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("bindings_part.steps = \0", "wrong"),
        ("bindings_part.name = 3" + "x" * 5000, "wrong"),
    ],
    ids=lambda text: text[:40],
)
def test_gin_syntax_errors_are_refused_in_one_line(binding, told):
    with pytest.raises(UserError) as error:
        reading.read_gin([], ["rates = (1, 2)", binding])
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 600


def test_scopes_that_the_code_or_a_reference_enters_are_taken():
    reading.read_gin([], ["x_run/bindings_part.steps = 3", "leaf_run/final/bindings_part.steps = 4",
                           "bindings_whole.part = @small/bindings_part()", "small/bindings_part.steps = 5",
                           "own/macro = 3", "bindings_whole.untold = %own/macro"])  # fmt: skip


def test_files_that_include_each_other_are_refused(tmp_path):
    (tmp_path / "a.gin").write_text(f"include '{tmp_path}/b.gin'\n")
    (tmp_path / "b.gin").write_text(f"include '{tmp_path}/a.gin'\n")
    with pytest.raises(UserError, match="include each other in a circle"):
        reading.read_gin([str(tmp_path / "a.gin")], [])


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "/", "\udcff"])
def test_an_impossible_file_name_is_refused(name):
    with pytest.raises(UserError, match="does not exist"):
        reading.check_files([name])


def test_bindings_are_formatted_as_gin_writes_them():
    given = {"a.b": "@one", "c.d": "text", "e.f": {"k": "@two/Dimension()", "n": (1, "%m")}, "g.h": None}
    assert format_bindings(given) == ["a.b = @one", "c.d = 'text'", "e.f = {'k': @two/Dimension(), 'n': [1, %m]}",
                                 "g.h = None"]  # fmt: skip


@pytest.mark.parametrize(
    ("binding", "meant"),
    [("dataset.nam = 'a'", "name"), ("datset.name = 'a'", "dataset"), ("zzzz.name = 'a'", None)],
)
def test_the_error_for_a_mistyped_name_suggests_similar_names(binding, meant):
    importlib.import_module("rdl.data")  # registers dataset
    with pytest.raises(UserError) as error:
        reading.read_gin([], [binding])
    assert ("did you mean" in str(error.value)) == (meant is not None)
    assert meant is None or f"(did you mean '{meant}'?)" in str(error.value)


def test_the_error_for_a_mistyped_file_suggests_similar_files():
    with pytest.raises(UserError, match=r"quikstart.gin does not exist \(did you mean 'quickstart.gin'\?\); rdl ships"):
        reading.check_files(["quikstart.gin"])
