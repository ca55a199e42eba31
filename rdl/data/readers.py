"""One reader per kind of data set; its parameters are the options that the kind has."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rdl.data import cache, official
from rdl.data.correlated import Correlation, correlated
from rdl.data.factor_columns import declare_continuous
from rdl.data.factors import Grid, GroundTruth
from rdl.data.formats.intensities import check_value_range
from rdl.data.formats.picture_files import SUFFIXES
from rdl.data.formats.treatment import Treatment
from rdl.data.grids import shrink, sub_grid
from rdl.data.label_file import read_label_file
from rdl.data.sets import dsprites, dummy, idx, objects
from rdl.data.sources import Source
from rdl.data.user import array_files, picture_folder, user_arrays
from rdl.data.user.tensorflow_datasets import read_tfds
from rdl.errors import UserError

Values = Mapping[str, int | Sequence[int]]
Loaded = tuple[Source, GroundTruth | None, list[str]]
"""Images, their factors, and notes on what was decided."""
Read = Callable[..., Loaded]

TFDS = "tfds:"
_TABLE = ".csv"


def find_reader(name: str) -> Read:
    """The reader of a data set.

    Raises:
      UserError: neither a known name nor a file or folder that can be read.
    """
    if name in READERS:
        return READERS[name]
    if name.startswith(TFDS):
        return partial(_tfds, name.removeprefix(TFDS))
    path = Path(os.path.expanduser(name))
    suffix = path.suffix.lower()
    if suffix in array_files.SUFFIXES:
        return partial(_arrays if suffix != ".npy" else _npy, path)
    if suffix == _TABLE:
        return partial(_table, path)
    if name and os.path.isdir(path):
        return partial(_folder, path)
    if suffix in SUFFIXES and path.is_file():
        raise UserError(
            f"'{name}' is a single file of pictures: give the folder of all pictures, or save a stack of pictures as "
            "an array [n, height, width] by numpy.save and give the file *.npy."
        )
    raise UserError(
        f"No data set is called '{name}', and there is no such folder: use {', '.join(READERS)}, a file *"
        f"{', *'.join((*array_files.SUFFIXES, _TABLE))}, a folder of pictures or tfds:NAME."
    )


def _dsprites(
    name: str,
    values: Values | None = None,
    correlation: Correlation | None = None,
    size: int | None = None,
    origin: str = "auto",
) -> Loaded:
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
) -> Loaded:
    source, grid = make()
    return _reduced(cache.ready(source), grid, values, correlation, size)


def _dummy(values: Values | None = None, correlation: Correlation | None = None, size: int | None = None) -> Loaded:
    grid = dummy.DummyGrid(dummy.SPACE, tuple(range(10)))
    return _reduced(dummy.Noise(), grid, values, correlation, size)


def _reduced(
    source: Source, grid: Grid, values: Values | None, correlation: Correlation | None, size: int | None
) -> Loaded:
    if values:
        source, grid = sub_grid(source, grid, values)
    if correlation is None:
        return shrink(source, size), grid, []
    source, table = correlated(source, grid, correlation)
    return shrink(source, size), table, []


def _digits(name: str, split: str = "train", size: int | None = None, filter: str = "lanczos") -> Loaded:
    return *idx.digits(name, split, Treatment(size, filter)), []


def _celeba(size: int = 64, filter: str = "lanczos", crop: int = 148) -> Loaded:
    """The crop keeps the face, of 178 x 218 pixels, and leaves most of the background."""
    folder = official.CELEBA.require("celeba")
    found = picture_folder.require_pictures(folder)
    return picture_folder.read_folder(folder, found.files, Treatment(size, filter, crop, 3)), None, found.notes


def _arrays(
    path: Path,
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    factors: str | None = None,
    value_range: tuple[float, float] | None = None,
    images_key: str | None = None,
    factors_key: str | None = None,
    continuous: Sequence[str] | None = None,
) -> Loaded:
    treatment = Treatment(size, filter, crop, channels)
    if factors is not None and factors_key is not None:
        raise UserError("dataset.factors names a CSV file and dataset.factors_key an array: leave one of them out.")
    chosen = check_value_range(value_range)
    source, labels, notes = user_arrays.read_array_file(path, treatment, chosen, images_key, factors_key)
    return _with_labels(source, labels, notes, factors, continuous)


def _npy(
    path: Path,
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    factors: str | None = None,
    value_range: tuple[float, float] | None = None,
    continuous: Sequence[str] | None = None,
) -> Loaded:
    return _arrays(path, size, filter, crop, channels, factors, value_range, continuous=continuous)


def _table(path: Path, factors: str | None = None, continuous: Sequence[str] | None = None) -> Loaded:
    source, notes = user_arrays.read_csv_table(path)
    return _with_labels(source, None, notes, factors, continuous)


def _folder(
    path: Path,
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    factors: str | None = None,
    value_range: tuple[float, float] | None = None,
    background: str | int | None = None,
    continuous: Sequence[str] | None = None,
) -> Loaded:
    treatment = Treatment(size, filter, crop, channels)
    chosen = check_value_range(value_range)
    found = picture_folder.require_pictures(path)
    names = [file.relative_to(path).as_posix() for file in found.files]
    source = picture_folder.read_folder(path, found.files, treatment, chosen, background)
    notes = [*found.notes, *source.notes]
    if factors is not None:
        return _with_labels(source, None, notes, factors, continuous, names)
    labels, label_notes = picture_folder.class_labels(path, found.files)
    return _with_labels(source, labels, [*notes, *label_notes], None, continuous)


def _tfds(
    name: str,
    split: str = "train",
    size: int | None = None,
    filter: str = "lanczos",
    crop: int | None = None,
    channels: int | None = None,
    value_range: tuple[float, float] | None = None,
) -> Loaded:
    return *read_tfds(name, split, Treatment(size, filter, crop, channels), check_value_range(value_range)), []


def _with_labels(
    source: Source,
    labels: GroundTruth | None,
    notes: list[str],
    factors: str | None,
    continuous: Sequence[str] | None,
    names: Sequence[str] | None = None,
) -> Loaded:
    """Adds the labels of a CSV file, by the images' names or numbers, and declares continuous factors."""
    if factors is not None:
        names = [str(number) for number in range(len(source))] if names is None else names
        labels, label_notes = read_label_file(Path(os.path.expanduser(factors)), names)
        notes = [*notes, *label_notes]
    if continuous is not None:
        if labels is None:
            raise UserError("dataset.continuous names factors, and the factors are unknown: give dataset.factors too.")
        labels = declare_continuous(labels, continuous)
    return source, labels, notes


READERS: dict[str, Read] = {
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
"""Readers of the data sets that are known by name."""
