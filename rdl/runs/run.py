"""An open run directory: its lock, its configuration and its journal."""

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rdl.config import RunConfig, format_value
from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.journal import Journal, Record
from rdl.runs.keys import Key
from rdl.runs.layout import CONFIG, Layout
from rdl.runs.reader import read_config

CHANGEABLE = ("executor", "display", "study")
"""Configurables that a resumed run may bind differently, as they do not affect its results."""


class RunDirectory:
    """An open run directory. One process has it open at a time.

    Args:
      root: the run directory, created if absent.
      config: the configuration; a resumed run must have the same one.

    Raises:
      UserError: the folder holds a run with another configuration or other files, is in use, or cannot be written.
    """

    def __init__(self, root: str | Path, config: RunConfig | None = None):
        self.root = Path(root).absolute()
        self.paths = Layout(self.root)
        if self.root.exists() and not self.root.is_dir():
            raise UserError(f"--output_dir must be a folder, but {self.root} is a file: choose another.")
        files.make_folder(self.root)
        self._lock = self._take_lock()
        try:
            self._check_config(config or RunConfig())
            self.journal = Journal(self.paths.journal)
        except BaseException:
            self.close()
            raise

    def _take_lock(self) -> int:
        with files.explained(self.paths.lock):
            lock = os.open(self.paths.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                reason = f"its file system has no locks ({error.strerror})"
                raise UserError(f"Cannot use {self.root}: {reason}; choose an --output_dir on another.") from error
            raise UserError(
                f"{self.root} is in use by another process: wait for it, stop it, or choose another --output_dir."
            ) from error
        return lock

    def _check_config(self, config: RunConfig) -> None:
        path = self.paths.config
        if path.exists() and self.paths.journal.exists():  # without a journal nothing is done yet
            before = read_config(path) or RunConfig()
            if difference := _describe_difference(before.settings, config.settings):
                raise UserError(
                    f"{self.root} holds a run with another configuration ({difference}): "
                    "repeat its settings to resume it, or choose another --output_dir."
                )
            config = before
        elif not path.exists() and [entry for entry in self.root.iterdir() if not self._is_own(entry)]:
            raise UserError(f"{self.root} is not empty and holds no run (no {CONFIG}): choose another --output_dir.")
        self.write_config(config)

    def write_config(self, config: RunConfig) -> None:
        """Writes the configuration to ``config.json`` and, as gin's text, to ``config.gin``; unchanged files stay.

        ``config.json`` is written last and is the file that is read. If a process is killed in between, the next start
        of the run replaces ``config.gin``.
        """
        contents = {self.paths.config_text: config.gin_text, self.paths.config: files.json_text(config.to_json())}
        for path, content in contents.items():
            if not path.is_file() or path.read_bytes() != content.encode():
                files.write_text(path, content)

    def check_dataset(self, fingerprint: dict[str, Any]) -> None:
        """Checks that a resumed run has the images that it began with; records the images of a new run.

        Raises:
          UserError: the images differ.
        """
        path = self.paths.dataset
        before = files.read_json(path)
        if not len(self.journal) or not isinstance(before, dict):  # nothing is done yet
            files.write_json(path, fingerprint)
        elif before != fingerprint:
            name = next((name for name in fingerprint if fingerprint[name] != before.get(name)), "content")
            raise UserError(
                f"{self.root} was begun with other images ({name} there: {before.get(name)}; here: "
                f"{fingerprint.get(name)}): put them back to resume it, or choose another --output_dir."
            )

    def unit(self, key: Key, function: Callable[[], Record]) -> Record:
        """Returns the record of a unit of work. Calls the function, and appends its record, if the journal has none."""
        text = str(key)
        return self.journal[text] if text in self.journal else self.journal.append(text, function())

    def _is_own(self, entry: Path) -> bool:
        """Whether the entry is the lock, or the temporary file of a write that was killed before its rename."""
        return entry == self.paths.lock or (entry.name.startswith(".") and entry.name.endswith(".tmp"))

    def close(self) -> None:
        """Releases the lock."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "RunDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def decides(key: str) -> bool:
    """Whether a binding affects the results of a run."""
    return key.rpartition("/")[2].rpartition(".")[0].rpartition(".")[2] not in CHANGEABLE


def _describe_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first binding that affects the results and differs between two configurations; empty if there is none.

    Dictionaries are equal in any order of their keys, as gin writes them in another order than it reads them.
    """
    for key in sorted({*before, *now}):
        there, here = (f"{key} = {format_value(one[key])}" if key in one else "nothing" for one in (before, now))
        equal = there == here or (key in before and key in now and before[key] == now[key])
        if decides(key) and not equal:
            return f"there: {there}; here: {here}"
    return ""
