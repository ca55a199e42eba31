"""Shapes of stored arrays: images with their channels last, or the rows of a table."""

import math

from rdl.errors import UserError

FEWEST = 10  # images: fewer can be neither learned nor measured
_SMALLEST_SIDE = 4  # pixels
_MOST_VALUES = 1 << 26  # of one image: far more than a network can take
_MOST_CHANNELS_FIRST = 16  # length of axis 1 in an array that looks like channels first
_MANY_CHANNELS = 32  # a last axis that is longer is rather a width

Shape = tuple[int, int, int]
"""Height, width and channels."""


def check_images(shape: tuple[int, ...], what: str) -> tuple[int, Shape]:
    """Number and shape of stored images.

    Args:
      shape: [n, height, width], [n, height, width, channels] or [n, columns], where a row of a table becomes an image
        of height 1 with a pixel per column.
      what: names the images, for messages.

    Raises:
      UserError: another shape, channels before height and width, too few images, or images that are too large.
    """
    if len(shape) == 2:
        shape = (shape[0], 1, shape[1], 1)
    elif len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) != 4 or min(shape[1:]) < 1:
        raise UserError(
            f"Expected {what} of shape [n, height, width], [n, height, width, channels] or [n, columns], got "
            f"{list(shape)[:8]}: put the axes in this order."
        )
    if _is_channels_first(shape):
        raise UserError(
            f"Expected {what} of shape [n, height, width, channels], got {list(shape)}, which has channels first: "
            "save numpy.moveaxis(images, 1, -1)."
        )
    is_table = shape[1] == 1 and shape[3] == 1 and shape[2] > 1
    if min(shape[1:3]) < _SMALLEST_SIDE and not is_table:
        raise UserError(
            f"Expected {what} of {_SMALLEST_SIDE} x {_SMALLEST_SIDE} pixels at least, got {shape[1]} x {shape[2]}: "
            "put the axes in the order [n, height, width, channels]."
        )
    if shape[0] < FEWEST:
        raise UserError(f"Expected at least {FEWEST} images in {what}, got {shape[0]}: add more.")
    if math.prod(shape[1:]) > _MOST_VALUES:
        raise UserError(f"Images of {shape[1]} x {shape[2]} in {what} are too large to learn from: make them smaller.")
    return shape[0], (shape[1], shape[2], shape[3])


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    first, height, width = shape[1:]
    few = first < min(height, width) and first <= _MOST_CHANNELS_FIRST
    return few and width > _SMALLEST_SIDE and (height == width or first < _SMALLEST_SIDE or width > _MANY_CHANNELS)


def describe_shape(shape: Shape) -> str:
    """An image's shape in words: 64 x 64 RGB."""
    height, width, channels = shape
    colour = {1: "grey", 3: "RGB"}.get(channels, f"with {channels} channels")
    return f"{height} x {width} {colour}"
