"""Numbers of every type become intensities that fill 0 to 255, or are refused with the range to set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdl.data.formats.shapes import check_images
from rdl.data.user.user_arrays import images_from_memory
from rdl.errors import UserError

TYPES = ("?", "u1", "i1", "u2", ">u2", "i2", "u4", "i8", "f2", "f4", "f8")


def _stretched(images):
    return images.max() - images.min() > 50


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(TYPES),
    low=st.sampled_from((0, 0, -1, -1000, 5)),
    span=st.sampled_from((1, 1, 2, 12, 63, 64, 200, 255, 1000, 4095, 60000, 0.1, 0.5)),
    seed=st.integers(0, 99),
)
def test_no_array_becomes_near_black_silently(kind, low, span, seed):
    numbers = low + span * np.random.default_rng(seed).random((12, 6, 8))
    numbers[0, 0, :2] = low, low + span
    with np.errstate(all="ignore"):
        array = (
            (numbers > low + span / 2)
            if kind == "?"
            else np.rint(numbers).astype(kind)
            if kind[-2] in "ui"
            else numbers.astype(kind)
        )  # noqa: E501
    try:
        images, _ = images_from_memory(array)
    except UserError as error:
        assert "dataset.value_range = (" in str(error) or "nothing to learn" in str(error) or "infinity" in str(error)
        least, greatest = float(array.min()), float(array.max())
        if np.isfinite(greatest) and least < greatest:
            assert _stretched(images_from_memory(array, (least, greatest))[0])
    else:
        assert images.dtype == np.uint8
        assert _stretched(images) or (array.min() >= 0 and 64 <= array.max() <= 255)  # 8 bits are kept as they are


@settings(max_examples=60, deadline=None)
@given(channels=st.integers(1, 12), height=st.integers(13, 64), width=st.integers(13, 64), seed=st.integers(0, 9))
def test_any_number_of_channels_is_read_and_channels_first_is_refused(channels, height, width, seed):
    assert check_images((20, height, width, channels), "the images") == (20, (height, width, channels))
    if height == width or channels < 4 or width > 32:
        with pytest.raises(UserError, match="channels first: .*moveaxis"):
            check_images((20, channels, height, width), "the images")


@pytest.mark.parametrize("shape", [(20,), (20, 0, 8), (20, 2, 8, 3), (20, 8, 8, 3, 1), (3, 8, 8), (20, 9000, 9000)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UserError):
        check_images(shape, "the images")


@pytest.mark.parametrize(("kind", "white"), [("u2", 65535), ("u1", 255), ("f4", 1.0)])
def test_a_hot_pixel_that_makes_the_rest_near_black_is_reported(kind, white):
    images = (0.01 * white * (1 + np.random.default_rng(0).random((50, 32, 32)))).astype(kind)
    images[3, 7, 7] = white
    _, notes = images_from_memory(images)
    assert any("99.9 % of the values" in note and "dataset.value_range = (0, " in note for note in notes)


def test_bright_shapes_on_black_are_not_reported():
    images = np.zeros((50, 32, 32), np.uint16)
    images[:, 10:14, 10:14] = 65535
    _, notes = images_from_memory(images)
    assert not any("99.9 %" in note for note in notes)
