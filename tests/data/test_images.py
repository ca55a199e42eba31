"""Image sets: subsets, observations, other processes and threads."""

import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rdl import data
from rdl.data import cache
from rdl.data.factors import Grid
from rdl.data.sets.sprites import RenderedSprites
from rdl.data.sources import ArraySource
from rdl.errors import UserError


def _small(labels=True) -> data.ImageSet:
    images = np.arange(6 * 4 * 4 * 3, dtype=np.uint8).reshape(6, 4, 4, 3)
    return data.ImageSet("small", ArraySource(images, "small"), Grid.over(("a", "b"), (2, 3)) if labels else None)


def test_subsets_of_subsets():
    whole = _small()
    part = whole.subset(np.array([5, 3, 1])).subset(np.array([2, 0]))
    assert len(part) == 2 and part.shape == (4, 4, 3) and part.factor_space == whole.factor_space
    np.testing.assert_array_equal(part.images(np.array([0, 1])), whole.images(np.array([1, 5])))
    np.testing.assert_array_equal(part.factors(np.array([0, 1])), [[0, 1], [1, 2]])
    assert len(whole.subset([])) == 0
    with pytest.raises(IndexError, match=r"\[0, 2\), got 2 to 2"):
        part.images(np.array([2]))
    with pytest.raises(IndexError):
        part.images(np.array([-1]))
    with pytest.raises(TypeError, match="integer indices"):
        part.images(np.array([0.5]))
    with pytest.raises(TypeError, match="integer indices"):
        part.images(np.array([True, False]))


def test_a_subset_does_not_follow_the_array_it_was_made_from():
    indices = np.array([1, 2])
    part = _small().subset(indices)
    indices[0] = 5
    np.testing.assert_array_equal(part.factors(np.array([0])), [[0, 1]])


def test_observations_are_the_images_with_the_factors_between_0_and_1():
    whole = _small()
    factors, observations = whole.sample(20, np.random.RandomState(0))
    assert observations.dtype == np.float32 and observations.shape == (20, 4, 4, 3)
    np.testing.assert_allclose(observations, whole.images(factors[:, 0] * 3 + factors[:, 1]) / 255, atol=1e-7)
    np.testing.assert_array_equal(observations, whole.sample_observations(20, np.random.RandomState(0)))
    assert whole.num_factors == 2 and whole.factors_num_values == [2, 3] and whole.observation_shape == [4, 4, 3]


def test_a_subset_draws_only_its_own_images():
    part = _small().subset(np.array([4, 1]))
    factors, observations = part.sample(50, np.random.RandomState(0))
    assert {tuple(row) for row in factors} == {(0, 1), (1, 1)}
    np.testing.assert_array_equal(np.unique(observations[:, 0, 0, 0] * 255), [48, 192])
    with pytest.raises(UserError, match="No image has the factors a=0, b=0"):
        part.sample_observations_from_factors(np.array([[0, 0]]), np.random.RandomState(0))


def test_images_without_factors_are_readable_and_factor_methods_name_the_remedy():
    images = _small(labels=False)
    assert images.factor_space is None and len(images.images(np.arange(6))) == 6
    for ask in (
        lambda: images.factors(np.array([0])),
        lambda: images.num_factors,
        lambda: images.sample(3, np.random.RandomState(0)),
    ):
        with pytest.raises(UserError, match="ground-truth factors of 'small' are unknown"):
            ask()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_cached_set_travels_small_and_reads_the_same_elsewhere(method):
    positions = np.arange(1000, 1400)
    source = RenderedSprites()
    mapped = cache.build_cache("sprites", 400, source.shape, [source.read(positions)], packed=True)
    images = data.ImageSet("sprites", mapped)
    here = images.images(np.array([3, 399, 3]))
    assert len(pickle.dumps(images)) < 2000  # the map itself stays behind
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply_async(images.images, (np.array([3, 399, 3]),)).get(timeout=60)
    np.testing.assert_array_equal(there, here)


def test_many_threads_read_the_same_images_as_one():
    images = data.load("dsprites_full", values={"orientation": 8, "x": 8, "y": 8}, size=32)
    batches = np.random.default_rng(0).integers(len(images), size=(16, 20))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(images.images, batches))
    np.testing.assert_array_equal(together, [images.images(batch) for batch in batches])
