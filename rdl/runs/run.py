"""An open run directory: its lock, its configuration and its journal. The paths in it are in `layout`."""

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rdl.config import RunConfig, format_value
from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.journal import Journal, Record
from rdl.runs.layout import CONFIG, Key, Layout
from rdl.runs.reader import read_config

# A resumed run may change how it is executed and displayed, but not what it computes.
FREE_TO_CHANGE = ("executor", "display", "study")


class RunDirectory:
    """An open run directory. One process has it open at a time.

    Args:
      root: the run directory, created if absent.
      config: the configuration, which a resumed run must repeat.

    Raises:
      UserError: the folder holds a run of another configuration, is in use, is not a run, or cannot be written.
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
        """Writes the configuration where it differs from the written one: ``config.json``, and gin's text of it.

        The JSON file decides: a text that a killed process left behind is replaced when the run is opened again.
        """
        contents = {self.paths.config_text: config.gin_text, self.paths.config: files.json_text(config.to_json())}
        for path, content in contents.items():
            if not path.is_file() or path.read_bytes() != content.encode():
                files.write_text(path, content)

    def check_dataset(self, fingerprint: dict[str, Any]) -> None:
        """Checks that a resumed run has the images that it began with.

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
        """Returns the record of a unit of work: from the journal, or of the function, whose record it then appends."""
        if key.text in self.journal:
            return self.journal[key.text]
        return self.journal.append(key.text, function())

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
    """Whether a binding decides what a run computes."""
    return key.rpartition("/")[2].rpartition(".")[0].rpartition(".")[2] not in FREE_TO_CHANGE


def _describe_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first binding that differs between two configurations; empty where none does."""
    for key in sorted({*before, *now}):
        there, here = (f"{key} = {format_value(one[key])}" if key in one else "nothing" for one in (before, now))
        if decides(key) and there != here:
            return f"there: {there}; here: {here}"
    return ""
