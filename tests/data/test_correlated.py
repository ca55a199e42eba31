"""Sets in which two factors go together: which images are kept, and that it is a set like any other."""

import math
import pickle

import numpy as np
import pytest

from rdl import data
from rdl.config import read_gin
from rdl.data.correlated import correlated
from rdl.data.factors import Grid
from rdl.data.sources import ArraySource, MappedSource
from rdl.errors import UserError
from tests.run_configs import parse_config

SIZES = {"shape": 3, "scale": 6, "angle": 50, "x": 8, "y": 8}
GRID = Grid.over(tuple(SIZES), tuple(SIZES.values()))
COUNT = GRID.full.num_states
SOURCE = ArraySource(np.arange(COUNT, dtype=np.uint32).view(np.uint8).reshape(COUNT, 2, 2), "numbers")
SPRITES = {"values": {"scale": [5], "orientation": 20, "x": 4, "y": 4}, "correlation": ("x", "y", 0.2)}


def kept(correlation, grid=GRID):
    """Numbers of the images that are left, and their factors."""
    source, table = correlated(SOURCE, grid, correlation)
    everything = np.arange(len(source))
    return source.read(everything).reshape(-1, 4).view(np.uint32)[:, 0], table.factors(everything)


@pytest.mark.parametrize(("pair", "sigma"), [(("x", "y"), 0.2), (("scale", "y"), 0.4), (("y", "scale"), 0.4)])
def test_a_pair_has_the_density_and_the_others_stay_uniform(pair, sigma):
    numbers, factors = kept((*pair, sigma))
    np.testing.assert_array_equal(factors, GRID.full.factors(numbers))
    first, second = (list(SIZES).index(name) for name in pair)
    counts = np.zeros((SIZES[pair[0]], SIZES[pair[1]]))
    np.add.at(counts, (factors[:, first], factors[:, second]), 1)
    each = COUNT / counts.size
    for c, d in np.ndindex(*counts.shape):
        apart = c / (SIZES[pair[0]] - 1) - d / (SIZES[pair[1]] - 1)
        p = math.exp(-(apart**2) / (2 * sigma**2))
        assert abs(counts[c, d] - each * p) <= 4.5 * math.sqrt(each * p * (1 - p)) + 1e-9
    for name in set(SIZES) - set(pair):
        values = np.bincount(factors[:, list(SIZES).index(name)], minlength=SIZES[name])
        expected = len(factors) / SIZES[name]
        assert ((values - expected) ** 2 / expected).sum() < SIZES[name] + 5 * math.sqrt(2 * SIZES[name])


def test_the_same_images_each_time_and_fewer_of_them_with_a_smaller_sigma():
    wide, narrow = kept(("x", "y", 0.4))[0], kept(["x", "y", 0.1])[0]
    np.testing.assert_array_equal(kept(("x", "y", 0.4))[0], wide)
    np.testing.assert_array_equal(kept(("y", "x", 0.4))[0], wide)
    assert set(narrow) < set(wide)
    least = kept(("x", "y", 1e-200))[1]
    assert (least[:, 3] == least[:, 4]).all() and len(least) == COUNT / SIZES["y"]
    assert len(kept(("x", "y", 1e9))[0]) == COUNT


def test_hidden_factors_can_be_correlated_and_are_drawn_from_the_kept_images():
    grid = Grid.over(tuple(SIZES), tuple(SIZES.values()), hidden=("scale",))
    source, table = correlated(SOURCE, grid, ("scale", "x", 0.01))
    assert table.space.names == ("shape", "angle", "x", "y")
    found = table.find(np.tile([[2, 49, 0, 3]], (20, 1)), np.random.RandomState(0))
    numbers = source.read(found).reshape(-1, 4).view(np.uint32)[:, 0]
    assert (GRID.full.factors(numbers) == [2, 0, 49, 0, 3]).all()


def test_keys_differ_between_sigmas_pairs_and_parts():
    parts = [SPRITES["values"], {**SPRITES["values"], "x": [0, 31]}]
    pairs = [None, ("x", "y", 0.2), ("x", "y", 0.4), ("x", "orientation", 0.2)]
    keys = {data.load("dsprites_full", values=part, correlation=pair).source.key for part in parts for pair in pairs}
    assert len(keys) == len(parts) * len(pairs)


def test_it_is_prepared_and_found_the_next_time():
    plain = data.load("dsprites_full", size=16, **SPRITES)
    ready = data.load("dsprites_full", size=16, **SPRITES, prepare=True)
    everything = np.arange(len(plain))
    assert 24 < len(plain) < 3 * 2 * 64
    assert isinstance(ready.source, MappedSource)
    assert isinstance(data.load("dsprites_full", size=16, **SPRITES).source, MappedSource)
    for images in (ready, pickle.loads(pickle.dumps(ready))):
        np.testing.assert_array_equal(images.images(everything), plain.images(everything))
        np.testing.assert_array_equal(images.factors(everything), plain.factors(everything))


def test_images_belong_to_their_factors_and_a_missing_combination_is_refused():
    whole = data.load("dsprites_full", values=SPRITES["values"])
    part = data.load("dsprites_full", **SPRITES)
    everything = np.arange(len(part))
    wanted = whole.factor_space.index(part.factors(everything))
    np.testing.assert_array_equal(part.images(everything), whole.images(wanted))
    assert part.factors_num_values == whole.factors_num_values
    factors, observed = part.sample(50, np.random.RandomState(0))
    np.testing.assert_allclose(observed, whole.images(whole.factor_space.index(factors)) / 255)
    with pytest.raises(UserError, match="this metric needs every combination of factors"):
        part.sample_observations_from_factors(np.array([[0, 0, 0, 0, 7]]), np.random.RandomState(0))


def test_chance_is_drawn_anew_in_observations_of_a_stochastic_set():
    part = data.load("noisy_dsprites", size=32, **SPRITES)
    first, second = (part.source.observe(np.array([3]), np.random.RandomState(seed)) for seed in (0, 1))
    assert part.shape == (32, 32, 3) and (first != second).any()


def test_gin_and_a_runs_configuration_say_it():
    lines = [f"dataset.{option} = {value!r}" for option, value in SPRITES.items()]
    read_gin([], ["dataset.name = 'dsprites_full'", *lines])
    by_gin, from_run = (
        data.load(),
        data.from_config(parse_config("\n".join(["dataset.name = 'dsprites_full'", *lines]))),
    )
    assert by_gin.fingerprint() == from_run.fingerprint()
    assert len(by_gin) < len(data.load(correlation=("x", "y", 0.3)))
    with pytest.raises(UserError, match=r"dataset\.correlation must be a list whose parts are each a text .* or a num"):
        data.from_config(parse_config("dataset.name = 'dsprites_full'\ndataset.correlation = {'x': 'y'}"))


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        (("x", "colour", 0.2), "No factor is called 'colour': the factors are shape, scale, angle, x, y"),
        (("x", "x", 0.2), "of two factors, got 'x' twice"),
        (("x", "y", 0), "positive, finite sigma .*, got 0"),
        (("x", "y", -0.2), "positive, finite sigma"),
        (("x", "y", math.inf), "positive, finite sigma"),
        (("x", "y", math.nan), "positive, finite sigma"),
        (("x", "y"), r'two factors and sigma, such as \("x", "y", 0.2\), got \(\'x\', \'y\'\)'),
        ((), "two factors and sigma"),
        (("x", 0.2, "y"), "two factors and sigma"),
        (("x", "y", 0.2, "scale"), "two factors and sigma"),
        ("xy2", "two factors and sigma"),
        (0.2, "two factors and sigma"),
    ],
)
def test_wrong_correlations(correlation, message):
    with pytest.raises(UserError, match=message) as error:
        kept(correlation)
    assert "\n" not in str(error.value)


def test_what_a_set_cannot_have():
    small = {"shape": [0], "scale": [5], "orientation": 20, "x": [0, 31], "y": [0, 31]}
    with pytest.raises(UserError, match=r"at least 10 images with the correlation \('x', 'y', 0.1\), got 4 of 8"):
        data.load("dsprites_full", values=small, correlation=("x", "y", 0.1))
    with pytest.raises(UserError, match="got 'scale' with one"):
        data.load("dsprites_full", values=small, correlation=("scale", "y", 0.1))
    with pytest.raises(UserError, match="The data set 'celeba' has no option 'correlation': it has size"):
        data.load("celeba", correlation=("x", "y", 0.1))
