"""A user's images and factors from files of arrays or from memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data import cache
from rdl.data.factor_columns import (
    class_numbers,
    describe_columns,
    describe_notation,
    factor_table,
    leave_out_unknown,
    parse_cells,
)
from rdl.data.factors import GroundTruth, PartlyKnown
from rdl.data.formats import npz
from rdl.data.formats.intensities import Brightest, Range, measure_extent, resolve_range, to_uint8
from rdl.data.formats.shapes import Shape, check_images
from rdl.data.formats.treatment import Treatment
from rdl.data.sources import ArraySource, Source
from rdl.data.user.array_files import ArrayFile, Header, open_array_file
from rdl.data.user.table_rows import from_dataframe, read_table_file, rows_as_images
from rdl.errors import UserError

_IMAGES = ("images", "imgs", "image", "x", "x_train", "data", "arr_0")
"""Names under which images are usually stored, in lower case."""
_FACTORS = ("factors", "labels", "label", "y", "y_train", "targets", "target", "classes", "class", "latents_classes")
"""Names under which factors are usually stored, in lower case."""
_NAMES = "factor_names"
NOTES_KEY = "rdl_notes"
"""Name of the notes on images that a run was given as an array."""
_CHECKED = 1000  # images whose brightness is checked at once
_SHOWN = 10  # names of arrays in a message

Loaded = tuple[Source, GroundTruth | None, list[str]]
"""Images, their factors, and notes on what was decided."""


def read_array_file(
    path: Path,
    treatment: Treatment,
    value_range: Range | None = None,
    images_key: str | None = None,
    factors_key: str | None = None,
) -> Loaded:
    """Images and factors of an npz, npy or HDF5 file.

    Args:
      path: of the file.
      treatment: of every image.
      value_range: stored values of black and white; None: recognised.
      images_key, factors_key: names of the arrays; None: recognised by their usual names and shapes.

    Raises:
      UserError: the file is missing, locked or damaged, or its images or factors cannot be used.
    """
    file = open_array_file(path)
    headers = file.headers()
    name, notes = _choose_images(headers, images_key, path)
    what = f"the images in {path}"
    if headers[name][1].kind == "O":
        file.load(name)  # says why it cannot be read
    length, shape = check_images(headers[name][0], what)
    notes += file.describe_unwritten(name)
    source = _read_images(file, name, headers[name], (length, shape), treatment, value_range)
    labels, label_notes = _read_factors(file, headers, factors_key, name, length)
    if NOTES_KEY in headers:
        notes += file.load(NOTES_KEY).ravel().astype(str).tolist()
    return source, labels, [*notes, *source.notes, *_describe_opacity(shape), *label_notes]


def images_from_memory(images: Any, value_range: Range | None = None) -> tuple[np.ndarray, list[str]]:
    """Images in memory as uint8 [n, height, width, channels], and notes on what was decided.

    Args:
      images: an array [n, height, width] or [n, height, width, channels]; a table of numbers, [n, columns] or a pandas
        DataFrame, becomes images of height 1.
      value_range: stored values of black and white; None: recognised.

    Raises:
      UserError: images that cannot be used.
    """
    if hasattr(images, "columns") and hasattr(images, "iloc"):
        table, names = from_dataframe(images, "the table")
        return rows_as_images(table, "the table", names)
    what = "the images"
    if isinstance(images, np.ma.MaskedArray):
        if np.ma.is_masked(images):
            raise UserError(f"Expected {what} without masked values: replace them, as by images.filled(0).")
        images = images.data
    try:
        array = np.asarray(images)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"Expected {what} as one array of numbers, got {type(images).__name__}: {error}.") from error
    length, shape = check_images(array.shape, what)
    if array.ndim == 2:
        return rows_as_images(array, "the table")
    array = array.reshape(length, *shape)
    chosen, notes = _resolve(lambda: iter([array]), array.dtype, shape, value_range, what)
    return np.ascontiguousarray(to_uint8(array, chosen)), [*notes, *_describe_opacity(shape)]


def read_csv_table(path: Path) -> tuple[Source, list[str]]:
    """The rows of a CSV file of numbers as images of height 1.

    Raises:
      UserError: see `read_table_file` and `rows_as_images`.
    """
    table, names = read_table_file(path)
    images, notes = rows_as_images(table, f"the table in {path}", names)
    if names is None:
        notes.append("the first line holds numbers and is read as a row, not as names of columns")
    return ArraySource(images, f"{npz.file_identity(path)} table", notes), notes


def _choose_images(headers: dict[str, Header], key: str | None, path: Path) -> tuple[str, list[str]]:
    present = ", ".join(list(headers)[:_SHOWN])[:200] or "nothing"
    if key is not None:
        if key not in headers:
            raise UserError(f"Expected an array '{key}' (dataset.images_key) in {path}, which holds {present}.")
        return key, []
    if len(headers) == 1 and path.suffix.lower() == ".npy":
        return next(iter(headers)), []
    if "images" in headers:
        return "images", []
    usable = {
        name: len(shape)
        for name, (shape, dtype) in headers.items()
        if dtype.kind in "buif" and len(shape) in (2, 3, 4) and name.lower() not in _FACTORS
    }
    pictures = [name for name, axes in usable.items() if axes > 2]
    candidates = pictures or [name for name in usable if headers[name][0][1] > 1]
    usual = [name for name in candidates if name.lower() in _IMAGES]
    chosen = candidates if len(candidates) == 1 else usual
    if len(chosen) == 1:
        return chosen[0], [f"the images are read from '{chosen[0]}' (dataset.images_key)"]
    if candidates:
        raise UserError(
            f"Expected an array 'images' in {path}, got several that could be the images, "
            f"{', '.join(candidates[:_SHOWN])}: choose one by dataset.images_key."
        )
    raise UserError(f"Expected an array 'images' in {path}, which holds {present}: save the images under this name.")


def _read_images(
    file: ArrayFile,
    name: str,
    header: Header,
    size: tuple[int, Shape],
    treatment: Treatment,
    value_range: Range | None,
) -> Source:
    (length, shape), what = size, f"the images in {file.path}"
    key = f"{npz.file_identity(file.path)} {name} {treatment} {value_range} decoding 2"
    if len(header[0]) == 2:
        treatment.shape(*shape)
        images, notes = rows_as_images(np.concatenate(list(file.stream(name))), f"the table in {file.path}")
        return ArraySource(images, key, notes)
    if value_range is None and not treatment.changes(*shape):
        source = file.in_place(name, length, shape)
        if source is not None:
            _check_brightness(source, what)
            return source
    if (found := cache.find_cached(key)) is not None:
        return found

    def blocks() -> Iterator[np.ndarray]:
        for block in file.stream(name):
            yield block.reshape(len(block), *shape)

    chosen, notes = _resolve(blocks, header[1], shape, value_range, what)
    treated = treatment.blocks(to_uint8(block, chosen) for block in blocks())
    return cache.decode_once(key, length, treatment.shape(*shape), treated, notes)


def _resolve(blocks: Any, dtype: np.dtype, shape: Shape, value_range: Range | None, what: str):
    """The stored values of black and white, and a note; reads all blocks once."""
    is_scaled_table = shape[0] == 1 and dtype == np.uint8
    if dtype.kind == "b" and value_range is None or is_scaled_table:
        return (0, 255) if is_scaled_table else (0, 1), []
    chosen, note = resolve_range(measure_extent(blocks(), what), value_range, what)
    return chosen, [note] if note else []


def _check_brightness(source: Source, what: str) -> None:
    """Refuses uint8 images that do not use the range 0 to 255; reads all of them only where a sample is dark.

    Raises:
      UserError: see `Brightest.check`.
    """
    if source.shape[0] == 1:  # rows of a table, scaled before
        return
    sample = source.read(np.linspace(0, len(source) - 1, min(len(source), _CHECKED)).astype(np.int64))
    brightest = Brightest(what)
    brightest.add(sample)
    try:
        brightest.check()
    except UserError:
        for block in source.blocks(_CHECKED):
            brightest.add(block)
        brightest.check()


def _read_factors(
    file: ArrayFile, headers: dict[str, Header], key: str | None, images: str, length: int
) -> tuple[GroundTruth | None, list[str]]:
    name, notes = _choose_factors(headers, key, images, length, file.path)
    if name is None:
        return None, notes
    what = f"'{name}' in {file.path}"
    notes += file.describe_unwritten(name)
    factors = file.load(name)
    if factors.dtype.kind == "S":
        factors = np.char.decode(factors, "utf-8", "replace")
    if factors.dtype.kind not in "buifU" and key is None and name != "factors":
        return None, [*notes, f"'{name}' holds {factors.dtype}, no factors, and is not read"]
    names = None
    if _NAMES in headers:
        names = _read_names(file.load(_NAMES), file.path)
    elif name != "factors" and (classes := class_numbers(factors)) is not None:
        factors, names = classes, ["class"]
        notes.append(f"'{name}' is one-hot: it is read as one factor, 'class'")
    elif name != "factors" and (factors.ndim == 1 or factors.shape[1:] == (1,)):
        names = [name]
    if factors.dtype.kind == "U" and factors.ndim in (1, 2) and len(factors) == length and factors.size:
        cells = [column.tolist() for column in factors.reshape(length, -1).T]
        columns = [parse_cells(column, what) for column in cells]
        names = [f"factor_{i}" for i in range(len(columns))] if names is None else names
        if len(names) != len(columns):
            raise UserError(f"Expected {len(columns)} names of factors in {file.path}, got {len(names)}.")
        table: GroundTruth = leave_out_unknown(columns, names, what)
        if isinstance(table, PartlyKnown) and len(table.images) < length:
            notes.append(f"{len(table.images):,} of {length:,} images have all factors, the others are unknown")
        notes += [
            note for column, factor in zip(cells, names, strict=True) for note in describe_notation(column, factor)
        ]
        return table, [*notes, *describe_columns(columns, names)]
    table = factor_table(factors, length, names, what)
    return table, [*notes, *describe_columns(list(factors.reshape(length, -1).T), table.space.names)]


def _describe_opacity(shape: Shape) -> list[str]:
    if shape[2] not in (2, 4) or shape[0] == 1:
        return []
    return [f"all {shape[2]} channels are learned as values: if the last one is opacity, compose the images first"]


def _choose_factors(
    headers: dict[str, Header], key: str | None, images: str, length: int, path: Path
) -> tuple[str | None, list[str]]:
    if key is not None:
        if key not in headers or key == images:
            raise UserError(
                f"Expected an array '{key}' (dataset.factors_key) in {path} beside the images, which holds "
                f"{', '.join(list(headers)[:_SHOWN])[:200]}."
            )
        return key, []
    if "factors" in headers and images != "factors":
        return "factors", []
    fitting = [
        name for name, (shape, _) in headers.items() if name != images and shape[:1] == (length,) and len(shape) < 3
    ]
    unreadable = [name for name, (_, dtype) in headers.items() if dtype.kind == "O" and name.lower() in _FACTORS]
    usual = sorted(
        (name for name in fitting if name.lower() in _FACTORS), key=lambda name: _FACTORS.index(name.lower())
    )
    chosen = next((name for name in usual if headers[name][1].kind in "buifUS"), None)
    notes = [] if chosen is None else [f"the factors are read from '{chosen}' (dataset.factors_key)"]
    notes += [
        f"'{name}' is stored as Python objects and is not read: save numpy.array({name}, dtype=str) or numbers"
        for name in unreadable
    ]
    notes += [
        f"'{name}' has the shape {list(shape)}, not one row for each of the {length:,} images, and is not read"
        for name, (shape, dtype) in headers.items()
        if name.lower() in _FACTORS and name not in (images, *fitting, *unreadable) and dtype.kind != "O"
    ]
    rest = [name for name in fitting if name != chosen and name not in unreadable]
    if rest:
        notes.append(f"not read: {', '.join(rest[:_SHOWN])}; dataset.factors_key = '{rest[0]}' reads it as factors")
    return chosen, notes


def _read_names(names: np.ndarray, path: Path) -> Sequence[str]:
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise UserError(
            f"Expected '{_NAMES}' in {path} as a list of texts, got {names.dtype} {list(names.shape)}: save "
            "numpy.array(names, dtype=str)."
        )
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names.tolist()]
