"""Runs a function in a forked process and kills it (SIGKILL) at a chosen system call on the files of a run.

The counted calls are those that change the run directory: opening a file for writing, flushing, renaming and removing
files, creating and removing folders. The process is killed just before the call. A flush may be torn: half of the
written bytes are lost, as in a crash of the machine.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KillsAt = Callable[[int, str, str], bool]
"""Number, kind and path of a call -> whether the process is killed there."""

_KINDS = {"open": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "os.truncate": 0}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ended:
    """The end of a process: its exit code (negative: the signal), its calls, and its output to stderr."""

    code: int
    calls: list[tuple[str, str]]
    errors: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def in_child(
    root: Path, function: Callable[[], int | None], kills_at: KillsAt | None = None, torn: bool = False
) -> Ended:
    """Runs the function in a child process. Its result is the exit code; 1 if it raises.

    Args:
      root: folder whose calls are counted.
      function: runs in the child.
      kills_at: chooses the call before which the child is killed; None: it is not killed.
      torn: whether a kill at the flush of a file loses half of the file.
    """
    folder = Path(tempfile.mkdtemp(prefix="killing_"))  # elsewhere, as the run's disk may be full
    log, errors = folder / "calls", folder / "stderr"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _run_child(root, function, kills_at, torn, log, errors)
    _, status = os.waitpid(child, 0)
    calls = [tuple(line.split("\t", 1)) for line in log.read_text().splitlines()]
    ended = Ended(os.waitstatus_to_exitcode(status), calls, errors.read_text())  # type: ignore[arg-type]
    shutil.rmtree(folder)
    return ended


def _run_child(
    root: Path, function: Callable[[], int | None], kills_at: KillsAt | None, torn: bool, log: Path, errors: Path
) -> None:
    code = 1
    try:
        record = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)
        os.dup2(os.open(errors, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr, sys.stdout = os.fdopen(2, "w", closefd=False), os.fdopen(1, "w", closefd=False)
        number, counting = 0, threading.RLock()  # several threads may train members

        def call(kind: str, path: str, descriptor: int | None = None) -> None:
            nonlocal number
            with counting:
                number += 1
                os.write(record, f"{kind}\t{path}\n".encode())
                if kills_at is not None and kills_at(number, kind, path):
                    if torn and descriptor is not None and os.path.isfile(path):
                        os.truncate(path, os.fstat(descriptor).st_size // 2)
                    os.kill(os.getpid(), signal.SIGKILL)

        def audit(event: str, arguments: tuple) -> None:
            if event not in _KINDS or (event == "open" and not arguments[2] & _WRITES):
                return
            path = os.fsdecode(arguments[_KINDS[event]]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
            if path.startswith(str(root)) or (event in ("os.remove", "os.rmdir") and not path.startswith("/")):
                call(event.removeprefix("os."), path)

        sync = os.fsync

        def fsync(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if path.startswith(str(root)):
                call("fsync", path, descriptor)
            sync(descriptor)

        sys.addaudithook(audit)
        os.fsync = fsync
        code = function() or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
