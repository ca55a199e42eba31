"""The run directory, open: what was asked, what is done. Where each thing lies is in `layout`."""

import fcntl
import os
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.journal import Journal, Record
from rdl.runs.layout import CONFIG, Key, Layout

# How a run is executed and shown may change between a stop and a resume; what is computed may not.
FREE_TO_CHANGE = ("executor", "display", "study")


class Run:
    """An open run directory; only one process has it open at a time.

    Args:
      root: the run directory, created if absent.
      config: gin's text of everything asked (``gin.config_str()``), which a resumed run must repeat.

    Raises:
      UserError: the folder holds another configuration's run, is in use, is no run, or cannot be written.
    """

    def __init__(self, root: str | Path, config: str = ""):
        self.root = Path(root).absolute()
        self.paths = Layout(self.root)
        if self.root.exists() and not self.root.is_dir():
            raise UserError(f"--output_dir must be a folder, but {self.root} is a file: choose another.")
        files.make_folder(self.root)
        self._lock = self._take_lock()
        try:
            self._settle_config(config)
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

    def _settle_config(self, config: str) -> None:
        path = self.paths.config
        if path.exists() and self.paths.journal.exists():  # without a journal nothing is done yet
            with files.explained(path, "read"):
                difference = _first_difference(path.read_text(encoding="utf-8", errors="replace"), config)
            if difference:
                raise UserError(
                    f"{self.root} holds a run with another configuration ({difference}): "
                    "repeat its settings to resume it, or choose another --output_dir."
                )
        elif not path.exists() and [entry for entry in self.root.iterdir() if not self._is_ours(entry)]:
            raise UserError(f"{self.root} is not empty and holds no run (no {CONFIG}): choose another --output_dir.")
        else:
            files.write_text(path, config)

    def check_dataset(self, fingerprint: dict[str, Any]) -> None:
        """Holds a resumed run to the images that it was begun with.

        Raises:
          UserError: they are others now.
        """
        path = self.paths.dataset
        before = files.read_json(path)
        if not len(self.journal) or not isinstance(before, dict):  # nothing is done yet, or it was begun before this
            files.write_json(path, fingerprint)
        elif before != fingerprint:
            name = next((name for name in fingerprint if fingerprint[name] != before.get(name)), "content")
            raise UserError(
                f"{self.root} was begun with other images ({name} there: {before.get(name)}; here: "
                f"{fingerprint.get(name)}): put them back to resume it, or choose another --output_dir."
            )

    def unit(self, key: Key, function: Callable[[], Record]) -> Record:
        """The record of a unit of work: from the journal where it is done, else by doing it now."""
        if key.text in self.journal:
            return self.journal[key.text]
        return self.journal.append(key.text, function())

    def _is_ours(self, entry: Path) -> bool:
        """The lock, or what an atomic write leaves behind when it is killed before its rename."""
        return entry == self.paths.lock or (entry.name.startswith(".") and entry.name.endswith(".tmp"))

    def close(self) -> None:
        """Lets go of the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _what_counts(config: str) -> list[str]:
    """The lines of gin's text that decide what is computed."""
    lines, keep = [], True
    for line in config.splitlines():
        if match := re.match(r"# Parameters for (?:.*/)?([\w.]+):", line):
            keep = match[1].split(".")[-1] not in FREE_TO_CHANGE
        if keep and line.strip() and not line.startswith("#"):
            lines.append(line.rstrip())
    return lines


def _first_difference(there: str, here: str) -> str:
    """What differs first between two configurations, in one line; empty where nothing does."""
    old, new = _what_counts(there), _what_counts(here)
    if old == new:
        return ""
    gone = [line for line in old if line not in new]
    come = [line for line in new if line not in old]
    if not gone and not come:  # the same lines in other places, as where two long values change places
        gone, come = next(([a], [b]) for a, b in zip_longest(old, new, fillvalue="nothing") if a != b)
    return f"there: {gone[0].strip() if gone else 'nothing'}; here: {come[0].strip() if come else 'nothing'}"
