"""Data sets by name."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gin

from rdl.config import literals
from rdl.data import cache, label_file, official, own
from rdl.data.correlated import Correlation, correlated
from rdl.data.factors import Grid, GroundTruth
from rdl.data.formats.decode import Treatment
from rdl.data.grids import shrink, sub_grid
from rdl.data.images import ImageSet
from rdl.data.sets import dsprites, dummy, idx, objects
from rdl.data.sources import Source
from rdl.errors import UserError

Values = Mapping[str, int | Sequence[int]]
_TFDS = "tfds:"
_OPTIONS = ("values", "size", "filter", "crop", "channels", "split", "origin", "factors", "correlation")
Read = Callable[..., tuple[Source, GroundTruth | None]]


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
    prepare: bool = False,
    progress: cache.OnProgress | None = None,
) -> ImageSet:
    """Loads a data set; images are read when they are asked for.

    Args:
      name: one of `names()`; or one's own images: a file `*.npz`, a folder, `tfds:NAME` (docs/data.md).
      values: keeps some values of some factors: {"orientation": 4, "x": [0, 8, 16]} keeps every 4th
        orientation and three positions. For sets that hold every combination of their factors.
      size: images of size x size. Sets of 64 x 64 images are averaged down; others (mnist, celeba, one's own)
        are resized with the filter.
      filter: lanczos (default), bicubic, bilinear, box or nearest.
      crop: cuts out the central square of so many pixels before resizing.
      channels: 1 turns one's own images grey, 3 RGB.
      split: train (default) or test, of mnist and fashion_mnist; a split's name, of a tfds set.
      origin: of dSprites: auto (default), official or rendered.
      factors: of one's own images: a CSV file with a header, and a line for each image: its name within the folder, or
        its number in the npz file from 0, then a column for each factor. Used to measure, and to train where a score
        that needs labels is asked for. Cells may be empty.
      correlation: of sets that have `values`, keeps those images that make two factors go together: ("x", "y", 0.2),
        two names and the width of the density of their difference, where each runs from 0 to 1.
      prepare: makes the images ready in the cache now if they are not: the fastest to train on.
      progress: called with the number of images made ready and of all.

    Raises:
      UserError: an unknown name, an option that the set does not have, a missing or damaged file, or images
        that are not as they should be.
    """
    given = {
        "values": values, "size": size, "filter": filter, "crop": crop, "channels": channels, "split": split,
        "origin": origin, "factors": factors, "correlation": correlation,
    }  # fmt: skip
    return _load(name, given, lambda source: cache.prepare(source, progress) if prepare else cache.ready(source))


def _load(name: str, options: Mapping[str, Any], ready: Callable[[Source], Source]) -> ImageSet:
    given = {option: value for option, value in options.items() if value is not None}
    read = _reader(name)
    accepted = inspect.signature(read).parameters
    if refused := [option for option in given if option not in accepted]:
        raise UserError(f"The data set '{name}' has no option '{refused[0]}': it has {', '.join(accepted) or 'none'}.")
    source, labels = read(**given)
    return ImageSet(name, ready(source), labels)


def from_config(config: str) -> ImageSet:
    """The data set that a run's gin text binds. Only its literal values are read: gin never sees the text.

    Raises:
      UserError: it cannot be loaded here, or is bound to something else than plain values.
    """
    given = literals(config, "dataset", load, ("name", *_OPTIONS))
    if "name" not in given:
        raise UserError("The run's configuration names no data set (dataset.name), so its images cannot be loaded.")
    name = given.pop("name")
    if name.startswith(_TFDS) and ":" in name.removeprefix(_TFDS):
        raise UserError(f"The run's images, '{name}', are not loaded: that would run the code of whoever shares them.")
    return _load(name, given, cache.ready)


def names() -> list[str]:
    """The data sets that are known by name."""
    return list(_READERS)


def _reader(name: str) -> Read:
    if name in _READERS:
        return _READERS[name]
    if name.startswith(_TFDS):
        return partial(_tfds, name.removeprefix(_TFDS))
    path = Path(os.path.expanduser(name))
    if path.suffix == ".npz":
        return partial(_npz, path)
    if name and os.path.isdir(path):
        return partial(_folder, path)
    raise UserError(
        f"No data set is called '{name}', and there is no such folder: use {', '.join(_READERS)}, a file *.npz, a "
        "folder of images or tfds:NAME."
    )


def _dsprites(
    name: str,
    values: Values | None = None,
    correlation: Correlation | None = None,
    size: int | None = None,
    origin: str = "auto",
) -> tuple[Source, GroundTruth]:
    source = cache.ready(dsprites.sprites(origin))
    if name == "color_dsprites":
        source = dsprites.Coloured(source)
    elif name == "noisy_dsprites":
        source = dsprites.Noisy(source)
    elif name == "scream_dsprites":
        source = dsprites.OnScream(source, dsprites.scream())
    hidden = ("shape",) if name == "dsprites_noshape" else ()
    return _reduced(source, dsprites.grid(*hidden), values, correlation, size)


def _objects(
    make: Callable[[], tuple[Source, Grid]],
    values: Values | None = None,
    correlation: Correlation | None = None,
    size: int | None = None,
) -> tuple[Source, GroundTruth]:
    source, grid = make()
    return _reduced(cache.ready(source), grid, values, correlation, size)


def _dummy(
    values: Values | None = None, correlation: Correlation | None = None, size: int | None = None
) -> tuple[Source, GroundTruth]:
    grid = dummy.DummyGrid(dummy.SPACE, tuple(range(10)))
    return _reduced(dummy.Noise(), grid, values, correlation, size)


def _reduced(
    source: Source, grid: Grid, values: Values | None, correlation: Correlation | None, size: int | None
) -> tuple[Source, GroundTruth]:
    if values:
        source, grid = sub_grid(source, grid, values)
    if correlation is None:
        return shrink(source, size), grid
    source, table = correlated(source, grid, correlation)
    return shrink(source, size), table


def _digits(
    name: str, split: str = "train", size: int | None = None, filter: str = "lanczos"
) -> tuple[Source, GroundTruth]:
    return idx.digits(name, split, Treatment(size, filter))


def _celeba(size: int = 64, filter: str = "lanczos", crop: int = 148) -> tuple[Source, None]:
    """The crop keeps the face, of 178 x 218 pixels, and leaves most of the background."""
    return own.from_folder(official.CELEBA.require("celeba"), Treatment(size, filter, crop, 3)), None


def _npz(
    path: Path,
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    factors: str | None = None,
) -> tuple[Source, GroundTruth | None]:
    source, labels = own.from_npz(path, Treatment(size, filter, crop, channels))
    if factors is None:
        return source, labels
    return source, label_file.read(_expanded(factors), [str(number) for number in range(len(source))])


def _folder(
    path: Path,
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    factors: str | None = None,
) -> tuple[Source, GroundTruth | None]:
    source = own.from_folder(path, Treatment(size, filter, crop, channels))
    if factors is None:
        return source, None
    names = [file.relative_to(path).as_posix() for file in own.pictures(path)]
    return source, label_file.read(_expanded(factors), names)


def _expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))


def _tfds(
    name: str,
    split: str = "train",
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
) -> tuple[Source, GroundTruth | None]:
    return own.from_tfds(name, split, Treatment(size, filter, crop, channels))


_READERS: dict[str, Read] = {
    **{
        name: partial(_dsprites, name)
        for name in ("dsprites_full", "dsprites_noshape", "color_dsprites", "noisy_dsprites", "scream_dsprites")
    },
    "smallnorb": partial(_objects, objects.smallnorb),
    "cars3d": partial(_objects, objects.cars3d),
    **{f"mpi3d_{kind}": partial(_objects, partial(objects.mpi3d, kind)) for kind in official.MPI3D},
    "shapes3d": partial(_objects, objects.shapes3d),
    "dummy_data": _dummy,
    **{name: partial(_digits, name) for name in ("mnist", "fashion_mnist")},
    "celeba": _celeba,
}
