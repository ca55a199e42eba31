"""Tables of numbers as images of height 1 with one pixel per column, for dense networks."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data.factor_columns import find_sentinels, is_missing, parse_number
from rdl.data.formats.csv_files import read_rows
from rdl.data.formats.shapes import check_images
from rdl.errors import UserError

_WIDEST = (
    4.0  # standard deviations from the mean: values beyond are clipped, so that one outlier leaves levels to others
)
_FEW_LEVELS = 8
_NAMES_SHOWN = 5


def rows_as_images(table: np.ndarray, what: str, names: Sequence[str] | None = None) -> tuple[np.ndarray, list[str]]:
    """Rows of numbers as uint8 images [n, 1, columns, 1].

    Each column is scaled by itself: its least value becomes 0 and its greatest 255, both at most 4 standard deviations
    from the column's mean; values beyond are clipped. Constant columns become 0.

    Args:
      table: numbers [n, columns].
      what: names the table in messages.
      names: of the columns.

    Returns:
      The images, and notes on the scaling.

    Raises:
      UserError: another shape or type, NaN or infinity, too few rows, or constant columns only.
    """
    check_images(table.shape, what)
    names = [f"column {i}" for i in range(table.shape[1])] if names is None else list(names)
    if table.dtype.kind not in "buif":
        raise UserError(f"Expected numbers in {what}, got {table.dtype}: leave columns of other types out.")
    values = table.astype(np.float64)
    if not np.isfinite(values).all():
        wrong = [name for name, column in zip(names, values.T, strict=True) if not np.isfinite(column).all()]
        raise UserError(f"{what} hold NaN or infinity in {_list(wrong)}: remove or replace these values.")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = values.mean(axis=0), values.std(axis=0)
    if not np.isfinite(spread).all():
        wrong = [name for name, flag in zip(names, np.isfinite(spread), strict=True) if not flag]
        raise UserError(f"{what} hold numbers too large to be scaled in {_list(wrong)}: divide these columns.")
    low = np.maximum(values.min(axis=0), mean - _WIDEST * spread)
    high = np.minimum(values.max(axis=0), mean + _WIDEST * spread)
    constant = values.min(axis=0) == values.max(axis=0)
    if constant.all():
        raise UserError(f"Expected columns that vary in {what}, got constant ones only: there is nothing to learn.")
    clipped = int(((values < low) | (values > high))[:, ~constant].sum())
    scaled = (np.clip(values, low, high) - low) / np.where(constant, 1, high - low)
    images = np.rint(255 * np.where(constant, 0, scaled)).astype(np.uint8)[:, np.newaxis, :, np.newaxis]
    note = f"a table of {len(values):,} rows and {len(names):,} columns: each column is scaled from its least to its "
    note += f"greatest value within {_WIDEST:g} standard deviations of its mean, in 256 levels"
    notes = [note + (f"; {clipped:,} values beyond are clipped" if clipped else "")]
    if constant.any():
        notes.append(f"constant columns: {_list([name for name, flag in zip(names, constant, strict=True) if flag])}")
    notes += _describe_columns(values, images, names)
    side = math.isqrt(len(names))
    if side**2 == len(names) and side >= 4 and np.issubdtype(table.dtype, np.integer):
        notes.append(f"if the rows are flattened images, reshape them to [n, {side}, {side}]")
    return images, notes


def read_table_file(path: Path) -> tuple[np.ndarray, list[str] | None]:
    """Numbers of a CSV file, float64 [n, columns], and the columns' names where its first line is a header.

    Raises:
      UserError: no such file, lines of several lengths, or cells that are not numbers.
    """
    rows = read_rows(path)
    if not rows:
        raise UserError(f"Expected a table of numbers in {path}, got an empty file.")
    names = None if all(parse_number(cell) is not None or is_missing(cell) for cell in rows[0]) else rows.pop(0)
    width = len(names or rows[0])
    titles = names or [f"column {i}" for i in range(width)]
    for number, row in enumerate(rows):
        if len(row) != width:
            raise UserError(f"{path}: row {number} has {len(row)} cells, the first line {width}: make them equal.")
    missing = [
        title for title, column in zip(titles, zip(*rows, strict=True), strict=False) if any(map(is_missing, column))
    ]
    if missing:
        raise UserError(
            f"Expected a number in every cell of {path}, got empty cells in {_list(missing)}: fill them in."
        )
    numbers = [[parse_number(cell) for cell in row] for row in rows]
    words = [title for i, title in enumerate(titles) if any(row[i] is None for row in numbers)]
    if words:
        column = titles.index(words[0])
        cell = next(row[column] for row, parsed in zip(rows, numbers, strict=True) if parsed[column] is None)
        raise UserError(
            f"Expected numbers such as 1234.5 in {path}, got {cell[:20]!r} in {_list(words)}: write numbers with a "
            "decimal point, and leave columns of words out."
        )
    return np.array(numbers, dtype=np.float64).reshape(len(rows), width), names


def from_dataframe(frame: Any, what: str) -> tuple[np.ndarray, list[str]]:
    """Numbers of a pandas DataFrame, [n, columns], and the columns' names.

    Raises:
      UserError: columns that are not numbers.
    """
    names = [str(name) for name in frame.columns]
    columns = [np.asarray(frame.iloc[:, i]) for i in range(len(names))]
    if words := [name for name, column in zip(names, columns, strict=True) if column.dtype.kind not in "buif"]:
        raise UserError(f"Expected numbers in {what}, got other values in {_list(words)}: leave these columns out.")
    return np.column_stack(columns).astype(np.float64) if columns else np.zeros((len(frame), 0)), names


def _describe_columns(values: np.ndarray, images: np.ndarray, names: Sequence[str]) -> list[str]:
    """Notes on columns that number the rows, and on columns whose outliers leave few levels to the other values."""
    notes = []
    numbering = np.flatnonzero((np.diff(values, axis=0) == 1).all(axis=0))
    if numbering.size:
        counting = _list([names[i] for i in numbering.tolist()])
        notes.append(f"columns that number the rows, which are learned like others: {counting}")
    notes += [
        f"{name!r} is {mark:g} in {count:,} rows, which is learned as a value: remove these rows if it means unknown"
        for name, column in zip(names, values.T, strict=True)
        for mark, count in find_sentinels(column)
    ]
    low, high = np.quantile(images[:, 0, :, 0], (0.05, 0.95), axis=0)
    crowded = [
        name
        for name, span, column in zip(names, high - low, values.T, strict=True)
        if span < _FEW_LEVELS and len(np.unique(column)) > _FEW_LEVELS
    ]
    if crowded:
        notes.append(
            f"outliers leave fewer than {_FEW_LEVELS} of 256 levels to nine tenths of the values: {_list(crowded)}; "
            "remove the outliers or transform the columns"
        )
    return notes


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_NAMES_SHOWN])
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
