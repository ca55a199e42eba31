"""Reads the cells of a CSV file, separated by commas, semicolons or tabs."""

import csv
from pathlib import Path

from rdl.data.formats.reading import describe_cause
from rdl.errors import UserError


def read_rows(path: Path) -> list[list[str]]:
    """All lines that are not empty, as cells without surrounding blanks.

    Raises:
      UserError: the file cannot be read as CSV in UTF-8.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=first.count)
            return [[cell.strip() for cell in line] for line in csv.reader(file, delimiter=delimiter) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"Cannot read {path} ({describe_cause(error)}): expected a CSV file in UTF-8.") from error
