"""Factor spaces, and draws in disentanglement_lib's order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdl.data.factors import FactorSpace, Grid, Table
from rdl.errors import UserError


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_index_and_factors_are_inverse_and_the_last_factor_is_fastest(sizes):
    space = FactorSpace(tuple(map(str, range(len(sizes)))), tuple(sizes))
    factors = space.factors(np.arange(space.num_states))
    np.testing.assert_array_equal(factors, list(np.ndindex(*sizes)))
    np.testing.assert_array_equal(space.index(factors), np.arange(space.num_states))


def test_invalid_factor_spaces_are_refused():
    with pytest.raises(UserError, match="one distinct name per factor"):
        FactorSpace(("a", "a"), (2, 3))
    with pytest.raises(UserError, match="at least one value"):
        FactorSpace(("a", "b"), (2, 0))
    space = FactorSpace(("a", "b"), (2, 3))
    with pytest.raises(UserError, match=r"Factor 'b' has the values 0 to 2, got 3\."):
        space.index(np.array([[0, 3]]))
    with pytest.raises(UserError, match=r"shape \[n, 2\] \(a, b\), got \[1, 3\]"):
        space.index(np.zeros((1, 3), int))
    with pytest.raises(IndexError, match="0, 6"):
        space.factors(np.array([6]))


class DlibDraws:
    """disentanglement_lib's rule, as its documentation tells it: one randint per ground-truth factor in order, then
    one per remaining factor when an observation is asked for.
    """

    def __init__(self, sizes, latent):
        self.sizes, self.latent = sizes, latent

    def factors(self, num, random_state):
        return np.stack([random_state.randint(self.sizes[i], size=num) for i in self.latent], axis=1)

    def index(self, factors, random_state):
        every = np.zeros((len(factors), len(self.sizes)), int)
        every[:, self.latent] = factors
        for i in range(len(self.sizes)):
            if i not in self.latent:
                every[:, i] = random_state.randint(self.sizes[i], size=len(factors))
        return np.ravel_multi_index(tuple(every.T), self.sizes)


@pytest.mark.parametrize(
    ("names", "sizes", "hidden", "dlib_sizes", "latent"),
    [
        # dSprites has a colour factor of one value there; drawing it must not matter.
        (("sh", "sc", "or", "x", "y"), (3, 6, 40, 32, 32), (), (1, 3, 6, 40, 32, 32), [1, 2, 3, 4, 5]),
        (("sh", "sc", "or", "x", "y"), (3, 6, 40, 32, 32), ("sh",), (1, 3, 6, 40, 32, 32), [2, 3, 4, 5]),
        (("c", "i", "e", "a", "l"), (5, 10, 9, 18, 6), ("i",), (5, 10, 9, 18, 6), [0, 2, 3, 4]),
    ],
)
def test_a_grid_draws_the_factors_of_disentanglement_lib(names, sizes, hidden, dlib_sizes, latent):
    grid, dlib = Grid.over(names, sizes, hidden), DlibDraws(dlib_sizes, latent)
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    for _ in range(2):
        factors = grid.sample(50, ours)
        np.testing.assert_array_equal(factors, dlib.factors(50, theirs))
        found = grid.find(factors, ours)
        np.testing.assert_array_equal(found, dlib.index(factors, theirs))
        np.testing.assert_array_equal(grid.factors(found), factors)


def test_a_table_may_have_more_combinations_than_64_bits_can_number():
    values = np.random.RandomState(0).randint(300, size=(500, 9))
    table = Table(FactorSpace(tuple("abcdefghi"), (300,) * 9), values)
    np.testing.assert_array_equal(table.find(values[::-1], np.random.RandomState(1)), np.arange(500)[::-1])
    with pytest.raises(UserError, match="No image has the factors a=299"):
        table.find(np.full((1, 9), 299), np.random.RandomState(1))


def test_a_table_finds_images_that_have_the_factors_each_as_likely():
    table = Table(FactorSpace(("a", "b"), (2, 3)), np.array([[0, 0], [1, 2], [0, 0], [1, 1], [0, 0]]))
    random_state = np.random.RandomState(0)
    wanted = np.array([[0, 0]] * 300 + [[1, 1]] * 5)
    found = table.find(wanted, random_state)
    np.testing.assert_array_equal(table.factors(found), wanted)
    assert set(found[:300]) == {0, 2, 4} and min(np.bincount(found[:300])[[0, 2, 4]]) > 60
    drawn = table.sample(1000, random_state)
    assert 500 < (drawn == [0, 0]).all(axis=1).sum() < 700
    with pytest.raises(UserError, match=r"No image has the factors a=0, b=2.*every combination"):
        table.find(np.array([[1, 2], [0, 2]]), random_state)
