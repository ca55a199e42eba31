"""Loads data sets by name."""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin
import numpy as np

from rdl.config import RunConfig
from rdl.config.types import check_type, wanted_type
from rdl.data import cache
from rdl.data.correlated import Correlation
from rdl.data.images import ImageSet
from rdl.data.readers import READERS, TFDS, Values, find_reader
from rdl.data.sources import Source
from rdl.errors import UserError

_INSPECTED, _MANY_REPEATS = 2000, 0.1  # images compared with each other; share of equal ones that is reported
_MANY_BLANKS = 0.01  # share of images of one colour that is reported
_BRIGHT = 64  # of 255: images of 0 and 1 beside one of such a value are stored in another range
_OPTIONS = (
    "values", "size", "filter", "crop", "channels", "split", "origin", "factors", "correlation", "value_range",
    "background", "images_key", "factors_key", "continuous",
)  # fmt: skip


@gin.configurable("dataset")  # pyright: ignore[reportCallIssue]
def load(
    name: str,
    values: Values | None = None,
    size: int | None = None,
    filter: str | None = None,
    crop: int | None = None,
    channels: int | None = None,
    split: str | None = None,
    origin: str | None = None,
    factors: str | None = None,
    correlation: Correlation | None = None,
    value_range: tuple[float, float] | None = None,
    background: str | int | None = None,
    images_key: str | None = None,
    factors_key: str | None = None,
    continuous: Sequence[str] | None = None,
    prepare: bool = False,
    progress: cache.OnProgress | None = None,
) -> ImageSet:
    """Loads a data set; images are read on demand. `ImageSet.notes` says what loading decided.

    Args:
      name: one of `names()`; or the user's images: a folder of pictures, a file `*.npz`, `*.npy`, `*.h5` or `*.csv`, or
        `tfds:NAME` (docs/data.md).
      values: keeps some values of some factors: {"orientation": 4, "x": [0, 8, 16]} keeps every 4th orientation and
        three positions. For data sets that hold every combination of their factors.
      size: resizes images to size x size. Data sets of 64 x 64 images are averaged down; others (mnist, celeba, the
        user's) are resized with the filter.
      filter: lanczos (default), bicubic, bilinear, box or nearest.
      crop: side of the central square that is cut out before resizing, pixels.
      channels: 1 converts the user's images to grey, 3 to RGB.
      split: train (default) or test, of mnist and fashion_mnist; the name of a split, of a tfds data set.
      origin: of dSprites: auto (default), official or rendered.
      factors: of the user's images: a CSV file with a header and a line per image: its name within the folder, or its
        number in the file from 0, then a column per factor. Used to measure, and to train where a score that needs
        labels is chosen. Cells may be empty.
      correlation: of data sets that take `values`: keeps the images that correlate two factors: ("x", "y", 0.2), two
        names and the width of the density of their difference, with both factors scaled to [0, 1].
      value_range: of the user's images: the stored values of black and white, (low, high). Recognised if None.
      background: of transparent pictures: the ground they are composed on, "white", "black", "grey" or a level from 0
        to 255. If None, white or black, whichever shows all shapes, else grey.
      images_key, factors_key: names of the arrays in a file `*.npz` or `*.h5`. Recognised if None.
      continuous: names of the factors that are measured quantities. Recognised if None.
      prepare: writes the images to the cache now unless they are there: the fastest to train on.
      progress: called with the number of images written and of all images.

    Raises:
      UserError: an unknown name, an option that the data set does not have, a missing, locked or damaged file, or
        images that cannot be used.
    """
    given = {
        "values": values, "size": size, "filter": filter, "crop": crop, "channels": channels, "split": split,
        "origin": origin, "factors": factors, "correlation": correlation, "value_range": value_range,
        "background": background, "images_key": images_key, "factors_key": factors_key, "continuous": continuous,
    }  # fmt: skip
    return _load(name, given, lambda source: cache.prepare_source(source, progress) if prepare else cache.ready(source))


def _load(name: str, options: Mapping[str, Any], ready: Callable[[Source], Source]) -> ImageSet:
    given = {option: value for option, value in options.items() if value is not None}
    read = find_reader(name)
    accepted = inspect.signature(read).parameters
    if refused := [option for option in given if option not in accepted]:
        raise UserError(f"The data set '{name}' has no option '{refused[0]}': it has {', '.join(accepted) or 'none'}.")
    source, labels, notes = read(**given)
    source = ready(source)
    return ImageSet(name, source, labels, notes=[*notes, *([] if name in READERS else _describe_sample(source))])


def _describe_sample(source: Source) -> list[str]:
    """Notes on the user's images where many are equal, many are of one colour, or some are stored in another range.

    Equal and blank images are those of an array that was allocated and only partly written.
    """
    if source.shape[0] == 1:  # rows of a table
        return []
    sample = source.read(np.linspace(0, len(source) - 1, min(len(source), _INSPECTED)).astype(np.int64))
    repeated = len(sample) - len({hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in sample})
    among = f"of {len(sample):,} images inspected " if len(sample) < len(source) else ""
    notes = []
    if repeated >= _MANY_REPEATS * len(sample):
        notes.append(f"warning: {among}{repeated:,} equal an earlier one: was the file written to its end?")
    pixels = sample.reshape(len(sample), -1)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    blank = int(np.count_nonzero(low == high))
    if not notes and _MANY_BLANKS * len(sample) <= blank < len(sample):
        notes.append(f"warning: {among}{blank:,} have one value everywhere: remove them if they are no images")
    masks = int(np.count_nonzero((high == 1) & (low == 0)))
    if masks and high.max() >= _BRIGHT:
        notes.append(
            f"warning: {among}{masks:,} hold only 0 and 1, others values up to {high.max()}: multiply them by 255 if 1 "
            "means white"
        )
    return notes


def from_config(config: RunConfig) -> ImageSet:
    """Loads the data set of a run's configuration. gin is not involved.

    Raises:
      UserError: the data set cannot be loaded here, or a value has the wrong type.
    """
    given = {name: value for name, value in config.section("dataset").items() if name in ("name", *_OPTIONS)}
    for name, value in given.items():
        check_type(f"dataset.{name}", value, wanted_type(load, name))
    if "name" not in given:
        raise UserError("The run's configuration names no data set (dataset.name), so its images cannot be loaded.")
    name = given.pop("name")
    if name.startswith(TFDS) and ":" in name.removeprefix(TFDS):
        raise UserError(f"The run's images, '{name}', are not loaded: that would run the code of whoever shares them.")
    return _load(name, given, cache.ready)


def names() -> list[str]:
    """Data sets that are known by name."""
    return list(READERS)
