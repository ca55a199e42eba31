"""Reads a run directory, whether the run is finished or not, without a lock and without changing a file."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.journal import Record, parse_line
from rdl.runs.keys import Key, SessionKey, parse
from rdl.runs.layout import CONFIG, Layout
from rdl.runs.typed import typed

KeyT = TypeVar("KeyT", bound=Key)
Check = Callable[[Key, Record], object]


def _any(key: Key, record: Record) -> None:
    del key, record


@dataclass
class Session:
    """One start of the run.

    Attributes:
      environment: machine and software, as `rdl.runs.environment.describe` gives them; empty if unknown.
      warnings: the warnings that were logged.
      seconds: duration; None if the session was killed or still runs.
    """

    environment: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float | None = None


@dataclass(frozen=True)
class RunReader:
    """The records that a run has written so far. Each attribute reads its file at its first use.

    Args:
      paths: the paths of the run directory.
      check: raises `UserError` for a record that does not fit its key; the record then counts as damaged.
    """

    paths: Layout
    check: Check = _any

    @classmethod
    def open(cls, root: str | Path, check: Check = _any) -> "RunReader":
        """Returns the reader of a run directory.

        Raises:
          UserError: the folder is not a run directory.
        """
        paths = Layout(Path(root).absolute())
        if not paths.config.is_file():
            raise UserError(
                f"{paths.root} is not a run directory (no {CONFIG}): give the --output_dir of a run of bin/train."
            )
        return cls(paths, check)

    @cached_property
    def config(self) -> RunConfig:
        """The configuration; an empty one if the folder has none.

        Raises:
          UserError: the file is damaged.
        """
        return read_config(self.paths.config) or RunConfig()

    @cached_property
    def operative(self) -> RunConfig | None:
        """The values that the run used, defaults included; None before the end of the run.

        Raises:
          UserError: the file is damaged.
        """
        return read_config(self.paths.operative)

    @property
    def used(self) -> RunConfig:
        """The values that the run used, or the configuration before the end of the run."""
        return self.operative or self.config

    @property
    def summary(self) -> dict[str, Any] | None:
        """The content of ``results/summary.json``; None if the file is missing or damaged."""
        found = files.read_json(self.paths.summary) if self.paths.summary.is_file() else None
        return found if isinstance(found, dict) else None

    @cached_property
    def _lines(self) -> list[dict[str, Any] | None]:
        """The entries of the journal, with None for each damaged line."""
        with files.explained(self.paths.journal, "read"):
            content = self.paths.journal.read_bytes() if self.paths.journal.exists() else b""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # the run is writing this line
            lines.pop()
        return [entry if entry is None or self._sound(entry) else None for entry in map(parse_line, lines)]

    def _sound(self, entry: dict[str, Any]) -> bool:
        key, record = parse(entry["key"]), entry["record"]
        try:
            if isinstance(key, SessionKey):
                typed(float, record.get("seconds"))
            elif key is not None:
                self.check(key, record)
        except UserError:
            return False
        return True

    @cached_property
    def records(self) -> dict[Key, Record]:
        """The last record of each key, in the order in which the keys first occur in the journal."""
        entries = [entry for entry in self._lines if entry is not None]
        return {key: entry["record"] for entry in entries if (key := parse(entry["key"])) is not None}

    def of_kind(self, kind: type[KeyT]) -> dict[KeyT, Record]:
        """The records whose keys are of one kind."""
        return {key: record for key, record in self.records.items() if isinstance(key, kind)}

    @property
    def damaged(self) -> int:
        """Number of damaged lines of the journal."""
        return sum(entry is None for entry in self._lines)

    @property
    def age(self) -> float:
        """Seconds since the last record."""
        path = self.paths.journal
        return max(0.0, time.time() - path.stat().st_mtime) if path.exists() else 0.0

    @property
    def sessions(self) -> list[Session]:
        """The sessions of the run, in order.

        Each session writes an environment file, and a session that is not killed a duration. With fewer durations
        than files some session was killed, and all durations are None. With more, the first files are missing.
        """
        sessions = []
        for path in self.paths.environments():
            content = files.read_json(path)
            warnings = _text(path.with_suffix(".log")).splitlines()
            sessions.append(Session(content if isinstance(content, dict) else {}, warnings))
        seconds = [record["seconds"] for record in self.of_kind(SessionKey).values()]
        if len(seconds) >= len(sessions):
            sessions = [Session() for _ in range(len(seconds) - len(sessions))] + sessions
            for session, value in zip(sessions, seconds, strict=True):
                session.seconds = value
        return sessions


def read_config(path: Path) -> RunConfig | None:
    """Reads a configuration; None if there is no file.

    Raises:
      UserError: the file is damaged.
    """
    if not path.exists():
        return None
    with files.explained(path, "read"):
        content = path.read_bytes()
    try:
        return RunConfig.from_json(files.parse_json(content))
    except (ValueError, UserError):
        raise UserError(f"{path} is damaged: restore it, or train again in another --output_dir.") from None


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
