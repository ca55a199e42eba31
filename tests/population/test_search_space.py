import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdl.errors import UserError
from rdl.population import Dimension, SearchSpace
from rdl.seeds import generator

seeds = st.integers(0, 2**31 - 1)


@given(seeds)
def test_the_default_space_draws_the_values_of_the_reference(seed):
    drawn = SearchSpace().draw(generator(seed))
    assert drawn["batch_size"] in (8, 16, 32, 64, 128, 256, 512, 1024)
    assert np.isclose(drawn["learning_rate"], np.logspace(-5, 0, 30)).any()
    assert 1 <= drawn["beta"] <= 437
    assert isinstance(drawn["batch_size"], int)


@given(seeds)
def test_a_perturbed_value_is_the_old_one_times_a_factor_within_bounds(seed):
    space, random = SearchSpace(), generator(seed)
    before = space.draw(random)
    for _ in range(12):
        after = space.perturb(before, random)
        assert 2 <= after["batch_size"] <= 1024
        assert after["beta"] >= 1
        assert after["beta"] == int(after["beta"])
        ratio = after["learning_rate"] / before["learning_rate"]
        assert min(abs(ratio - factor) for factor in (2, 1.2, 0.8, 0.5)) < 1e-9
        before = after


@pytest.mark.parametrize(
    ("value", "factor", "expected"), [(10, 1.1, 11), (10, 1.2, 12), (10, 0.8, 8), (3, 0.5, 2), (3, 1.2, 4)]
)
def test_integers_are_rounded_up_despite_floating_point_error(value, factor, expected):
    dimension = Dimension(initial=(value,), factors=(factor,), integer=True)
    assert dimension.perturb(value, generator(0)) == expected


def test_a_batch_size_is_never_halved_below_two():
    dimension = Dimension(initial=(8,), factors=(0.5,), low=2, integer=True)
    value = 8
    for _ in range(10):
        value = dimension.perturb(value, generator(0))
    assert value == 2


def test_draws_do_not_depend_on_the_order_of_names():
    dimensions = {name: Dimension(initial=(2, 3, 4, 5), low=2) for name in ("learning_rate", "batch_size", "beta")}
    backwards = dict(reversed(dimensions.items()))
    assert SearchSpace(dimensions).draw(generator(1)) == SearchSpace(backwards).draw(generator(1))


def test_a_lower_bound_of_one_for_the_batch_size_is_refused():
    dimensions = {"learning_rate": Dimension(initial=(0.1,)), "batch_size": Dimension(initial=(8,), low=1)}
    with pytest.raises(UserError, match="at least 2"):
        SearchSpace(dimensions)


@pytest.mark.parametrize("missing", ["learning_rate", "batch_size"])
def test_a_space_without_a_required_hyperparameter_is_refused(missing):
    dimensions = {"learning_rate": Dimension(initial=(0.1,)), "batch_size": Dimension(initial=(8,), low=2)}
    del dimensions[missing]
    with pytest.raises(UserError, match=missing):
        SearchSpace(dimensions)


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": ()},
        {"initial": 0.1},
        {"initial": "01"},
        {"initial": (1,), "factors": ()},
        {"initial": (1,), "factors": 2},
        {"initial": (5,), "high": 4},
    ],
)
def test_an_invalid_dimension_is_refused(wrong):
    with pytest.raises(UserError, match="Dimension"):
        Dimension(**wrong)


def test_values_are_clipped_to_the_bounds():
    dimension = Dimension(initial=(0.5,), factors=(2.0,), high=0.6)
    assert math.isclose(dimension.perturb(0.5, generator(0)), 0.6)
