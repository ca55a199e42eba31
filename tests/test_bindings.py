"""gin's text read back, and values of a wrong type told before anything runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import gin
import pytest

from rdl import bindings
from rdl.errors import UserError


def test_bindings_are_gins_text_with_quotes_one_line_each():
    text = """# Parameters for dataset:
# ==============================================================================
dataset.name = 'shapes3d'
import rdl.data
vae/AdamOptimizer.learning_rate = 0.0001
evaluation.evaluation_fn = @mig

a.b=1
downstream_task.num_train = \\
    (10,
     100)
dataset.values = {
    'x': 8,
}
"""
    assert bindings.of_text(text) == {
        "dataset.name": "'shapes3d'",
        "vae/AdamOptimizer.learning_rate": "0.0001",
        "evaluation.evaluation_fn": "@mig",
        "a.b": "1",
        "downstream_task.num_train": "(10, 100)",
        "dataset.values": "{ 'x': 8, }",
    }


@gin.configurable("bindings_part")
@dataclass(frozen=True)
class Part:
    rates: Sequence[float] = ()
    steps: int | None = None


@gin.configurable("bindings_other")
def other() -> dict[str, int]:
    return {}


@gin.configurable("bindings_whole")
def whole(
    images: object,
    name: str = "",
    quiet: bool = False,
    scale: float = 1.0,
    part: Part | None = None,
    make: Callable[[], Part] | None = None,
    parts: Mapping[str, Part] | None = None,
    untold=None,
    points=100,
    exact=False,
) -> None:
    pass


@pytest.mark.parametrize(
    "binding",
    [
        "name = 'a'", "name = %text", "quiet = True", "scale = 2", "scale = 0.5", "part = None",
        "part = @bindings_part()", "part = @small/bindings_part()", "make = @bindings_part",
        "parts = {'a': @bindings_part()}", "untold = 3", "points = 0.5", "exact = True", "untold = @bindings_part",
    ],
)  # fmt: skip
def test_what_fits_is_taken(binding):
    gin.parse_config(f"text = 'a'\nbindings_whole.{binding}\nsmall/bindings_part.rates = (1, 2.5)")
    bindings.check_types()


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
        ("bindings_whole.points = '5'", "a number, got '5'"),
        ("bindings_whole.exact = 3", "True or False, got 3"),
        ("bindings_part.rates = 5", "a list whose parts are each a number, got 5"),
        ("bindings_part.rates = (1, '2')", "each a number, got (1, '2')"),
        ("in/scope/bindings_part.steps = 1.5", "in/scope/bindings_part.steps must be a whole number or None, got 1.5"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(binding, told):
    gin.parse_config(binding)
    with pytest.raises(UserError) as error:
        bindings.check_types()
    assert told in str(error.value)
    assert "\n" not in str(error.value)
