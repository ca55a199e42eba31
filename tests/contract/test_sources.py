"""Checks every named data set whose files are present, and the rendered ones."""

import pickle

import numpy as np
import pytest

from rdl import data
from rdl.data.load import names
from rdl.errors import UserError

ALWAYS = {"dsprites_full", "dsprites_noshape", "color_dsprites", "noisy_dsprites", "dummy_data"}


@pytest.fixture(scope="module", params=names())
def images(request):
    try:
        return data.load(request.param)
    except UserError as error:
        assert request.param not in ALWAYS, error
        pytest.skip(f"not here: {error}")


@pytest.mark.parametrize("batch", [0, 1, 2, 5])
def test_images_of_any_number_in_any_order(images, batch):
    indices = np.linspace(0, len(images) - 1, batch).astype(np.int64)[::-1]
    pixels = images.images(indices)
    assert pixels.shape == (batch, *images.shape) and pixels.dtype == np.uint8
    for index, image in zip(indices, pixels, strict=True):
        np.testing.assert_array_equal(images.images(np.array([index]))[0], image)
    with pytest.raises(IndexError):
        images.images(np.array([len(images)]))


def test_images_are_the_same_in_another_process(images):
    indices = np.array([len(images) - 1, 0, len(images) // 2])
    travelled = pickle.loads(pickle.dumps(images))
    assert len(travelled) == len(images) and travelled.shape == images.shape
    np.testing.assert_array_equal(travelled.images(indices), images.images(indices))


def test_observations_are_finite_and_determined_by_the_random_state(images):
    indices = np.array([0, len(images) - 1, 0])
    first, same = (images.source.observe(indices, np.random.RandomState(3)) for _ in range(2))
    assert first.shape == (3, *images.shape) and first.dtype == np.float32
    assert np.isfinite(first).all() and 0 <= first.min() <= first.max() <= 1
    np.testing.assert_array_equal(first, same)


def test_factors_are_values_of_their_space(images):
    space = images.factor_space
    if space is None:
        return
    factors = images.factors(np.array([len(images) - 1, 0, len(images) // 2]))
    assert factors.shape == (3, space.num_factors) and factors.dtype == np.int64
    assert (factors >= 0).all() and (factors < np.array(space.sizes)).all()
