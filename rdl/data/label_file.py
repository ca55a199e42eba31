"""Factors of one's own images in a CSV file beside them: what is known is used to measure."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rdl.data.factors import PartlyKnown, Table
from rdl.data.own import table
from rdl.errors import UserError


def read(path: Path, names: Sequence[str]) -> Table:
    """A header, then a line for each image: its name, then a column for each factor, in numbers or words.

    A cell may be empty, and an image may have no line: its factors are then not known.

    Args:
      path: of the file.
      names: of the images, in their order.

    Raises:
      UserError: no such file, no factor, an unknown or repeated image, a line of another length, or fewer than two
        images whose factors are all known.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise UserError(f"Cannot read the factors in {path} ({reason}): expected a CSV file in UTF-8.") from error
    if len(lines) < 2 or len(lines[0]) < 2:
        raise UserError(f"Expected {path} to have a header and lines 'image,factor,..', got {len(lines)} lines.")
    header, cells = lines[0], np.full((len(names), len(lines[0]) - 1), "", dtype=object)
    places, seen = {name: place for place, name in enumerate(names)}, set()
    for line in lines[1:]:
        name = line[0].strip()
        if len(line) != len(header):
            raise UserError(f"{path}: the line of {name!r} has {len(line)} columns, the header {len(header)}.")
        if name not in places:
            raise UserError(f"{path}: there is no image {name!r}; the first is {names[0]!r}.")
        if name in seen:
            raise UserError(f"{path}: the image {name!r} has two lines: leave one out.")
        seen.add(name)
        cells[places[name]] = [cell.strip() for cell in line[1:]]
    known = (cells != "").all(axis=1)
    if known.sum() < 2:
        raise UserError(f"{path} has all factors of {known.sum()} images, too few to measure anything.")
    columns = np.stack([_numbers(column, known) for column in cells.T], axis=1)
    whole = table(columns[known], int(known.sum()), [name.strip() for name in header[1:]], f"the factors in {path}")
    return PartlyKnown(whole, np.flatnonzero(known), len(names))


def _numbers(column: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A column as numbers, 0 where the image's factors are not all known; words are numbered in their order."""
    values = np.zeros(len(column))
    try:
        values[known] = column[known].astype(float)
    except ValueError:
        values[known] = np.unique(column[known].astype(str), return_inverse=True)[1]
    return values
