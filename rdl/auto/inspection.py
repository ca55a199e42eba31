"""A first look at images: how many there are, and of what shape, before it is known at what size they are read."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rdl.data import label_file, own
from rdl.data.formats.decode import Treatment, open_picture
from rdl.data.load import load
from rdl.errors import UserError


@dataclass(frozen=True)
class Look:
    """How many images, and their shape.

    Attributes:
      images: how many.
      shape: height, width and channels of an image as it is stored.
    """

    images: int
    shape: tuple[int, int, int]


def look(name: str, size: int | None = None, channels: int | None = None, factors: str | None = None) -> Look:
    """Looks at a data set, and at the labels beside it, without decoding the pictures of a folder.

    Args:
      name: as `load` takes it.
      size, channels: what will be made of one's own images; without a size, those of a folder must all have one.
      factors: a CSV file.

    Raises:
      UserError: no such images, pictures of several sizes where none is asked for, or labels of other images.
    """
    folder = Path(os.path.expanduser(name))
    if not name or not folder.is_dir():
        options = {"size": size, "channels": channels, "factors": factors}
        images = load(name, **{option: value for option, value in options.items() if value is not None})
        return Look(len(images), images.shape)
    files = own.checked_pictures(folder)
    if factors is not None:
        label_file.read(Path(factors), [file.relative_to(folder).as_posix() for file in files])
    height, width, depth = open_picture(files[0], Treatment(channels=channels).apply).shape
    for file in files if size is None else ():
        across, down = open_picture(file, lambda image: np.asarray(image.size))
        if (down, across) != (height, width):
            raise UserError(
                f"{file} is {down} x {across}, while {files[0]} is {height} x {width}: make all alike with --size=64 "
                "or --size=32."
            )
    return Look(len(files), (height, width, depth))
