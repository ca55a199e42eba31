"""Factors of a user's images from columns of numbers or words: missing marks, distinct values, continuous factors."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rdl.data.factors import FactorSpace, GroundTruth, PartlyKnown, Table
from rdl.errors import UserError

MISSING = frozenset(("", "na", "n/a", "#n/a", "#na", "<na>", "nan", "nat", "none", "null", "-", "--", "?"))
"""Cells that mean an unknown value, in lower case."""

_UNIT = (
    r"([kcmµμun]?m|px|pixels?|in|inch|ft|[kmµμ]?g|[mµμun]?s|sec|min|h|deg|rad|°|°?C|°F|K|[kM]?Hz|m?V)"
    r"([/·.]?[a-z]+)?[²³]?"
)
_OTHER_NOTATION = re.compile(
    rf"[-+\u2212]?(\d+([.,]\d+)?\s*%|\d{{1,3}}([,' ]\d{{3}})+(\.\d+)?|\d+(\.\d{{3}})*,\d+([eE][-+]?\d+|\s*{_UNIT})?"
    r"|\d[\d_]*_\d+|\d{1,3}(\.\d{3}){2,}|[$€£¥]\s*\d[\d.,]*|\d[\d.,]*\s*[$€£¥]|0x[\da-fA-F]+)"
    r"|\u2212(\d+(\.\d*)?|\.\d+)"
)
"""Numbers that only people read: 5 %, 1,000, 0,5, 0,5 cm, 1_000, 1.000.000, $5, 0xff, other signs of minus."""
_WITH_UNIT = re.compile(rf"(?P<number>[-+]?(\d+(\.\d*)?|\.\d+))\s*(?P<unit>{_UNIT})")
"""Numbers with their unit: 5 cm, 12px, 3.5 m/s."""
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
"""Numbers that are 1,000 times larger where a point separates thousands: 1.500."""
_SENTINELS = (-1, -9, -99, -999, -9999, -99999, 9999, 99999)
_LONGEST_NAME = 100  # characters
_VALUES_OF_8_BITS = 256
_MOST_LEVELS = 20  # distinct values with fractions that still count as levels of a discrete factor
_WORDS_SHOWN = 5
_SHORTEST_COUNT = 10  # images whose consecutive numbers are no coincidence


def is_missing(cell: str) -> bool:
    """Whether a cell of a text file means an unknown value."""
    return cell.strip().lower() in MISSING


def parse_cells(cells: Sequence[str], what: str) -> np.ndarray:
    """A column of text as numbers, float64 [n], or as words, str [n]; missing cells are NaN or "".

    Numbers with one unit throughout are numbers in this unit.

    Raises:
      UserError: mostly numbers, and some words that are neither numbers nor missing marks; or numbers in several units,
        or with decimal commas, percent signs, currencies or separators of thousands.
    """
    if (unit := common_unit(cells)) is not None:
        cells = [cell if is_missing(cell) else cell.strip().removesuffix(unit) for cell in cells]
    values, words = np.full(len(cells), np.nan), {}
    known = [place for place, cell in enumerate(cells) if not is_missing(cell)]
    for place in known:
        if (number := parse_number(cells[place])) is None:
            words.setdefault(cells[place], place)
        else:
            values[place] = number
    if not words:
        return values
    numbers = int((~np.isnan(values)).sum())
    if 2 * numbers >= len(known):
        shown = ", ".join(repr(word[:20]) for word in list(words)[:_WORDS_SHOWN])
        more = ", .." if len(words) > _WORDS_SHOWN else ""
        raise UserError(
            f"Expected numbers in {what}, got the words {shown}{more} among {numbers} numbers: leave these cells empty "
            "where the value is unknown, or correct them."
        )
    if other := [word for word in words if _OTHER_NOTATION.fullmatch(word.strip())]:
        raise UserError(
            f"Expected numbers such as 1234.5 in {what}, got {other[0][:20]!r}: write numbers with a decimal point, "
            "without percent signs, currencies and separators of thousands."
        )
    if all(_WITH_UNIT.fullmatch(word.strip()) for word in words):
        of_units = {unit_of(word): word for word in words}
        shown = ", ".join(repr(word[:20]) for word in list(of_units.values())[:_WORDS_SHOWN])
        without = f" among {numbers} numbers without a unit" if numbers else ""
        raise UserError(f"Expected numbers in one unit in {what}, got {shown}{without}: convert them to one unit.")
    return np.array(["" if is_missing(cell) else cell for cell in cells])


def unit_of(cell: str) -> str | None:
    """The unit of a number: "cm" of "5 cm"; None where the cell is no number with a usual unit."""
    found = _WITH_UNIT.fullmatch(cell.strip())
    return found["unit"] if found else None


def common_unit(cells: Sequence[str]) -> str | None:
    """The unit that all known cells of a column share; None where there is none."""
    units = {unit_of(cell) for cell in cells if not is_missing(cell)}
    return units.pop() if len(units) == 1 else None


def describe_notation(cells: Sequence[str], name: str) -> list[str]:
    """Notes on a column of text whose numbers have a unit, or may have points between thousands."""
    if (unit := common_unit(cells)) is not None:
        return [f"'{name}' is read as numbers in {unit}"]
    known = [cell.strip() for cell in cells if not is_missing(cell)]
    if known and all(map(_THOUSANDS.fullmatch, known)):
        return [
            f"'{name}' is read with decimal points, {known[0]} as {float(known[0]):g}: remove the points if they "
            "separate thousands"
        ]
    return []


def parse_number(cell: str) -> float | None:
    """A cell as a number; None for words, and for Python's underscores between digits."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def describe_columns(columns: Sequence[np.ndarray], names: Sequence[str]) -> list[str]:
    """One sentence for each column whose values are probably not meant as they stand.

    Notes name marks of unknown values among numbers (-999), words that differ only by case, words that differ from
    image to image, such as names or dates, columns of one value, columns that number the images, and columns that use
    all 256 values of 8 bits, as larger numbers do after wrapping around.

    Args:
      columns: numbers or words, [images] each; NaN or "" where unknown.
      names: of the factors.
    """
    notes = []
    for column, name in zip(columns, names, strict=True):
        if column.dtype.kind == "U":
            words = np.unique(column[column != ""])
            if len(words) > 2 and 2 * len(words) > np.count_nonzero(column != ""):
                notes.append(f"'{name}' has {len(words):,} different words, which are read as classes")
            if len({word.strip().casefold() for word in words.tolist()}) < len(words):
                notes.append(f"words of '{name}' differ only by case or spaces, and are read as different classes")
            known = column[column != ""]
        else:
            known = column[np.isfinite(column)]
        if known.size > 1 and (known == known[0]).all():
            value = str(known[0])[:20] if column.dtype.kind == "U" else f"{known[0]:g}"
            notes.append(f"'{name}' has the same value in all images, {value}: nothing can be measured of it")
        if column.dtype.kind in "if":
            notes += [
                f"'{name}' is {mark:g} in {count:,} images, which is read as a value: leave it empty if it means "
                "unknown"
                for mark, count in find_sentinels(known)
            ]
        if column.dtype.kind in "iuf" and known.size >= _SHORTEST_COUNT and (np.diff(np.sort(known)) == 1).all():
            notes.append(
                f"'{name}' has another whole number for every image: leave it out if it only counts the images"
            )
        if column.dtype in (np.uint8, np.int8) and len(np.unique(known)) == _VALUES_OF_8_BITS:
            notes.append(
                f"'{name}' is stored as {column.dtype} and uses all {_VALUES_OF_8_BITS} values: if larger numbers "
                "wrapped around, save them as int64"
            )
    return notes


def find_sentinels(known: np.ndarray) -> list[tuple[float, int]]:
    """Usual marks of unknown values apart from all other numbers of a column, [n], and the number of each."""
    found = []
    for mark in np.intersect1d(_SENTINELS, known):
        others = known[known != mark]
        apart = mark > 10 * others.max(initial=0) if mark > 0 else others.min(initial=0) >= 0
        if others.size and apart:
            found.append((float(mark), int(np.count_nonzero(known == mark))))
    return found


def factor_table(factors: np.ndarray, length: int, names: Sequence[str] | None, what: str) -> Table:
    """Factors as a table; the distinct values of each factor are numbered in ascending order.

    Args:
      factors: numbers or texts [n] or [n, factors], one row per image. A single column of 0 and 1 per class with one 1
        per row (one-hot) stays as many factors; see `class_numbers`.
      length: number of images.
      names: of the factors; None: factor_0, factor_1, ..
      what: names the factors in messages.

    Raises:
      UserError: another shape or type, unusable names, or unknown values.
    """
    factors = factors[:, np.newaxis] if factors.ndim == 1 else factors
    if factors.ndim != 2 or len(factors) != length or not factors.shape[1] or factors.dtype.kind not in "biufUS":
        raise UserError(
            f"Expected {what} as numbers of shape [{length}, factors], one row per image, got {factors.dtype} "
            f"{list(factors.shape)}: save them in this shape."
        )
    return table_from_columns(list(factors.T), names, what)


def table_from_columns(columns: Sequence[np.ndarray], names: Sequence[str] | None, what: str) -> Table:
    """Factors as a table from one array of numbers or words per factor, without unknown values.

    Raises:
      UserError: unusable names, NaN or infinity.
    """
    names = [f"factor_{i}" for i in range(len(columns))] if names is None else [str(name) for name in names]
    if wrong := [name for name in names if not name.isprintable() or not 1 <= len(name) <= _LONGEST_NAME]:
        raise UserError(
            f"Expected names of factors in {what} as printable texts of 1 to {_LONGEST_NAME} characters, got "
            f"{wrong[0][:20]!a}: rename the factor."
        )
    numbers, values, continuous = [], [], []
    for column in columns:
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise UserError(f"{what} hold NaN or infinity: every image needs every factor.")
        distinct, rows = np.unique(column, return_inverse=True)
        is_number = column.dtype.kind in "biuf"
        numbers.append(rows)
        values.append(distinct if is_number else np.arange(len(distinct)))
        continuous.append(is_number and is_continuous(distinct, len(column)))
    space = FactorSpace(tuple(names), tuple(map(len, values)), tuple(continuous))
    return Table(space, np.stack(numbers, axis=1), values)


def is_continuous(values: np.ndarray, images: int) -> bool:
    """Whether a factor is a measured quantity: it has fractions and more values than a discrete factor has levels.

    Args:
      values: distinct values of the factor.
      images: number of images with labels.
    """
    fractions = values.dtype.kind == "f" and bool(np.any(values % 1))
    return fractions and (len(values) > _MOST_LEVELS or 2 * len(values) > images)


def class_numbers(labels: np.ndarray) -> np.ndarray | None:
    """Class numbers [n] of one-hot labels [n, classes]; None where the labels are not one-hot."""
    if labels.ndim != 2 or labels.shape[1] < 3 or labels.dtype.kind not in "biuf":
        return None
    one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
    return labels.argmax(axis=1) if one_hot else None


def declare_continuous(labels: GroundTruth, names: Sequence[str]) -> GroundTruth:
    """The same factors with exactly the named ones continuous, in place of those recognised.

    Raises:
      UserError: an unknown factor.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise UserError(f"Expected dataset.continuous as a list of factors' names, got {names!r}.")
    chosen = labels.space.columns(names)
    flags = tuple(column in chosen for column in range(labels.space.num_factors))
    if isinstance(labels, Table):
        labels.space = replace(labels.space, continuous=flags)
    return labels


def leave_out_unknown(columns: Sequence[np.ndarray], names: Sequence[str], what: str) -> PartlyKnown:
    """Factors of the images all of whose factors are known.

    Args:
      columns: numbers or words per factor, [images] each, NaN or "" where unknown.
      names: of the factors.
      what: names the factors in messages.

    Raises:
      UserError: fewer than two images with all factors, or unusable names.
    """
    known = np.logical_and.reduce(
        [column != "" if column.dtype.kind == "U" else ~np.isnan(column) for column in columns]
    )
    if known.sum() < 2:
        raise UserError(
            f"Expected all factors of at least two images in {what}, got those of {known.sum()}: fill in more cells."
        )
    whole = table_from_columns([column[known] for column in columns], names, what)
    return PartlyKnown(whole, np.flatnonzero(known), len(known))
