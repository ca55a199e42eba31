"""Reads factors of a user's images from a CSV file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rdl.data.factor_columns import (
    describe_columns,
    describe_notation,
    is_missing,
    leave_out_unknown,
    parse_cells,
)
from rdl.data.factors import PartlyKnown
from rdl.data.formats.csv_files import read_rows
from rdl.errors import UserError

_MARKS_SHOWN = 5


def read_label_file(path: Path, names: Sequence[str]) -> tuple[PartlyKnown, list[str]]:
    """Factors from a header and one line per image: its name, then a number or a word per factor.

    Empty cells and the usual marks (NA, nan, None, null, -, ?, ..) are unknown values; images may have no line.

    Args:
      path: of the file.
      names: of the images, in order.

    Returns:
      The factors of the images whose factors are all known, and notes on what was left out.

    Raises:
      UserError: no such file, no factor, an unknown or repeated image, a line of another length, a few words in a
        column of numbers, or fewer than two images whose factors are all known.
    """
    header, *lines = read_rows(path) or [[]]
    if not lines or len(header) < 2:
        raise UserError(f"Expected {path} to have a header and lines 'image,factor,..', got {len(lines)} lines.")
    if header[0] in names:
        raise UserError(
            f"Expected a header 'image,factor,..' in the first line of {path}, got the line of the image "
            f"{header[0]!r}: add a line with the names of the columns."
        )
    cells: list[list[str]] = [[""] * len(names) for _ in header[1:]]
    places, labelled = {name: place for place, name in enumerate(names)}, set()
    for line in lines:
        name = line[0]
        if len(line) != len(header):
            raise UserError(f"{path}: the line of {name!r} has {len(line)} columns, the header {len(header)}.")
        if name not in places:
            raise UserError(f"{path}: there is no image {name!r}; the first is {names[0]!r}.")
        if name in labelled:
            raise UserError(f"{path}: the image {name!r} has two lines: leave one out.")
        labelled.add(name)
        for column, cell in zip(cells, line[1:], strict=True):
            column[places[name]] = cell
    columns = [parse_cells(column, f"'{name}' of {path}") for name, column in zip(header[1:], cells, strict=True)]
    factors = leave_out_unknown(columns, header[1:], f"the factors in {path}")
    return factors, [
        *_describe_numbering(names, labelled),
        *_describe_gaps(cells, len(names), len(factors.images)),
        *(note for name, column in zip(header[1:], cells, strict=True) for note in describe_notation(column, name)),
        *describe_columns(columns, header[1:]),
    ]


def _describe_numbering(names: Sequence[str], labelled: set[str]) -> list[str]:
    """A note where the images of a file are numbered and the lines probably count them from 1."""
    if names[0] != "0" or "0" in labelled or "1" not in labelled:
        return []
    return [
        "warning: there is no line for the image 0: images are numbered from 0, so subtract 1 if yours start from 1"
    ]


def _describe_gaps(cells: list[list[str]], images: int, known: int) -> list[str]:
    if known == images:
        return []
    marks = Counter(cell for column in cells for cell in column if cell and is_missing(cell))
    shown = ", ".join(f"{mark!r} ({count})" for mark, count in marks.most_common(_MARKS_SHOWN))
    read_as = f"; cells read as unknown: {shown}" if marks else ""
    return [f"{known:,} of {images:,} images have all factors, the others are left out of the measurement{read_as}"]
