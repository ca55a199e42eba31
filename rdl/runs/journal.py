"""The journal: one line per finished unit of work. A resumed run repeats only work that it does not list.

Each line is a JSON object ``{"key", "record", "sha256"}``; the checksum covers key and record. Lines are appended with
fsync, so a kill damages at most the last line. Damaged lines are reported, and their units count as unfinished. Units
are deterministic, so a repeated unit gives the same record.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rdl.runs import files

Record = dict[str, Any]


def checksum(key: str, record: Record) -> str:
    """The checksum of a line."""
    return hashlib.sha256(json.dumps([key, record], sort_keys=True).encode()).hexdigest()[:16]


class Journal(Mapping[str, Record]):
    """The records of finished units by key, in the order in which the units were finished.

    Args:
      path: the journal's file, which the first ``append`` creates.

    Attributes:
      damaged: a message for each damaged line of the file. Damaged lines are removed from it.
    """

    def __init__(self, path: Path):
        self._path = path
        self._records: dict[str, Record] = {}
        self.damaged: list[str] = []
        if path.exists():
            with files.explained(path, "read"):
                self._read()

    def _read(self) -> None:
        good: list[bytes] = []
        for number, line in enumerate(self._path.read_bytes().splitlines(keepends=True), start=1):
            entry = parse_line(line)
            if entry is None:
                self.damaged.append(f"{self._path} line {number} is damaged; its unit of work is repeated")
            else:
                good.append(line)
                self._records[entry["key"]] = entry["record"]
        if self.damaged:
            files.write_bytes(self._path, b"".join(good))

    def append(self, key: str, record: Record) -> Record:
        """Appends the record of a finished unit and flushes it to disk; returns it as a resumed run will read it.

        Raises:
          UserError: the disk is full or the folder cannot be written.
          ValueError: JSON cannot represent the record, which holds NaN or infinity.
          TypeError: JSON cannot represent the record, which holds an object.
        """
        line = json.dumps(
            {"key": key, "record": record, "sha256": checksum(key, record)}, allow_nan=False, sort_keys=True
        )
        with files.explained(self._path):
            size = self._path.stat().st_size if self._path.exists() else 0
            try:
                with open(self._path, "ab") as file:
                    file.write(line.encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                # A full disk may have stored a part of the line: remove it, so that the next line starts at its end.
                if self._path.exists():
                    os.truncate(self._path, size)
                raise
        self._records[key] = json.loads(line)["record"]
        return self._records[key]

    def keep_only(self, keys: Collection[str]) -> None:
        """Removes all other units, so that the run repeats them.

        Raises:
          UserError: the folder cannot be written.
        """
        if self._path.exists():
            with files.explained(self._path, "read"):
                lines = self._path.read_bytes().splitlines(keepends=True)
            entries = ((line, parse_line(line)) for line in lines)
            files.write_bytes(self._path, b"".join(line for line, entry in entries if entry and entry["key"] in keys))
        self._records = {key: record for key, record in self._records.items() if key in keys}

    def __getitem__(self, key: str) -> Record:
        return self._records[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Parses an entry; None if the line is damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        key, record = entry["key"], entry["record"]
        if type(key) is str and type(record) is dict and entry["sha256"] == checksum(key, record):
            return entry
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None
