"""The journal: one line per finished unit of work, the truth for resume.

Each line is a JSON object ``{"key", "record", "sha256"}``; the checksum covers key and record. Lines are
appended with fsync, so a kill leaves at most one broken line, at the end. A broken line anywhere is reported
and its unit counts as not done: units are deterministic, so doing one again gives the same record.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rdl.runs import files

Record = dict[str, Any]


def _checksum(key: str, record: Record) -> str:
    return hashlib.sha256(json.dumps([key, record], sort_keys=True).encode()).hexdigest()[:16]


class Journal(Mapping[str, Record]):
    """Finished units by key, in the order they were finished.

    Args:
      path: the journal's file; created at the first ``append``.

    Attributes:
      damaged: one line for each broken line found while reading.
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
        broken = 0
        for number, line in enumerate(self._path.read_bytes().splitlines(keepends=True), start=1):
            entry = parse_line(line)
            if entry is None:
                broken += 1
                self.damaged.append(f"{self._path} line {number} is damaged; its unit of work is done again")
            else:
                good.append(line)
                self._records[entry["key"]] = entry["record"]
        if broken:
            files.write_bytes(self._path, b"".join(good))

    def append(self, key: str, record: Record) -> Record:
        """Writes a finished unit down, durably, and returns the record as it will be read back.

        Raises:
          UserError: the disk is full or the folder cannot be written.
          ValueError: the record holds something JSON cannot carry exactly (NaN, infinity, an object).
        """
        line = json.dumps(
            {"key": key, "record": record, "sha256": _checksum(key, record)}, allow_nan=False, sort_keys=True
        )
        with files.explained(self._path):
            size = self._path.stat().st_size if self._path.exists() else 0
            try:
                with open(self._path, "ab") as file:
                    file.write(line.encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                # A full disk may have taken half the line: take it back, so that the next one starts afresh.
                if self._path.exists():
                    os.truncate(self._path, size)
                raise
        self._records[key] = json.loads(line)["record"]
        return self._records[key]

    def keep_only(self, keys: Collection[str]) -> None:
        """Forgets all other units: they are done again.

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
    """The entry on a line, or None where the line is not what was written."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        key, record = entry["key"], entry["record"]
        if type(key) is str and type(record) is dict and entry["sha256"] == _checksum(key, record):
            return entry
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None
