"""A run directory as a reader finds it, finished or not; nothing in it is changed or locked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.runs import files, layout
from rdl.runs.journal import Record, parse_line
from rdl.runs.layout import Key, Layout
from rdl.runs.typed import typed

KeyT = TypeVar("KeyT", bound=Key)
Check = Callable[[Key, Record], object]


def _any(key: Key, record: Record) -> None:
    del key, record


@dataclass
class Session:
    """One start of the run: its surroundings, the warnings it raised, how long it took (None: it was killed)."""

    environment: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float | None = None


@dataclass(frozen=True)
class RunReader:
    """What a run has written down so far, read when it is asked for.

    Args:
      paths: of the run directory.
      check: raises UserError for a record that is not what its key says; such a record counts as damaged.
    """

    paths: Layout
    check: Check = _any

    @classmethod
    def open(cls, root: str | Path, check: Check = _any) -> "RunReader":
        """The reader of a run directory.

        Raises:
          UserError: it is none.
        """
        paths = Layout(Path(root).absolute())
        if not paths.config.is_file():
            raise UserError(
                f"{paths.root} is not a run directory (no {layout.CONFIG}): give the --output_dir of a bin/train."
            )
        return cls(paths, check)

    @cached_property
    def config(self) -> RunConfig:
        """The configuration; empty where the folder has none.

        Raises:
          UserError: the file is damaged.
        """
        return read_config(self.paths.config) or RunConfig()

    @cached_property
    def operative(self) -> RunConfig | None:
        """The values that were used, defaults included; None before the end of the run.

        Raises:
          UserError: the file is damaged.
        """
        return read_config(self.paths.operative)

    @property
    def used(self) -> RunConfig:
        """The values that were used where they are known, else the configuration."""
        return self.operative or self.config

    @property
    def summary(self) -> dict[str, Any] | None:
        """The summary as the user has it; None where it is not there or no JSON object."""
        found = files.read_json(self.paths.summary) if self.paths.summary.is_file() else None
        return found if isinstance(found, dict) else None

    @cached_property
    def _lines(self) -> list[dict[str, Any] | None]:
        """The journal's entries, None for each that is damaged."""
        with files.explained(self.paths.journal, "read"):
            content = self.paths.journal.read_bytes() if self.paths.journal.exists() else b""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # it is being written right now
            lines.pop()
        return [entry if entry is None or self._sound(entry) else None for entry in map(parse_line, lines)]

    def _sound(self, entry: dict[str, Any]) -> bool:
        key, record = layout.parse(entry["key"]), entry["record"]
        try:
            if isinstance(key, layout.SessionKey):
                typed(float, record.get("seconds"))
            elif key is not None:
                self.check(key, record)
        except UserError:
            return False
        return True

    @cached_property
    def records(self) -> dict[Key, Record]:
        """The journal's records, the last one of each key, in the order in which the keys first came."""
        entries = [entry for entry in self._lines if entry is not None]
        return {key: entry["record"] for entry in entries if (key := layout.parse(entry["key"])) is not None}

    def of_kind(self, kind: type[KeyT]) -> dict[KeyT, Record]:
        """The records under one kind of key."""
        return {key: record for key, record in self.records.items() if isinstance(key, kind)}

    @property
    def damaged(self) -> int:
        """How many lines of the journal cannot be read."""
        return sum(entry is None for entry in self._lines)

    @property
    def age(self) -> float:
        """Seconds since the last record."""
        path = self.paths.journal
        return max(0.0, time.time() - path.stat().st_mtime) if path.exists() else 0.0

    @property
    def sessions(self) -> list[Session]:
        """The run's starts.

        By their files; the journal's durations belong to the last ones, since a killed session has none.
        """
        sessions = []
        for path in self.paths.environments():
            content = files.read_json(path)
            warnings = _text(path.with_suffix(".log")).splitlines()
            sessions.append(Session(content if isinstance(content, dict) else {}, warnings))
        seconds = [record["seconds"] for record in self.of_kind(layout.SessionKey).values()]
        if len(seconds) >= len(sessions):
            sessions = [Session() for _ in range(len(seconds) - len(sessions))] + sessions
            for session, value in zip(sessions, seconds, strict=True):
                session.seconds = value
        return sessions


def read_config(path: Path) -> RunConfig | None:
    """A configuration from its file; None where there is no file.

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
