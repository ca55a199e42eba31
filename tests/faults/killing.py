"""Runs a function in a forked process and kills it (SIGKILL) at a chosen system call on the files of a run.

The calls counted are those through which a run changes its directory: opening a file to write, flushing it,
renaming, removing, making and removing folders. The process dies just before the call; a flush may be torn: half
of what was just written is lost, as when the machine itself goes down.
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

Chooses = Callable[[int, str, str], bool]
"""Number, kind and path of a call -> whether the process dies there."""

_KINDS = {"open": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "os.truncate": 0}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ended:
    """How the process ended: its exit code (negative: the signal), the calls it made, what it wrote to stderr."""

    code: int
    calls: list[tuple[str, str]]
    errors: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def in_child(root: Path, function: Callable[[], int | None], dies: Chooses | None = None, torn: bool = False) -> Ended:
    """Runs the function in a child of this process; its result is the exit code, 1 where it raises.

    Args:
      root: calls under this folder count.
      function: runs in the child.
      dies: chooses the call before which the child is killed.
      torn: half of a file is lost where the child is killed at its flush.
    """
    folder = Path(tempfile.mkdtemp(prefix="killing_"))  # not beside the run, whose disk may be full
    log, errors = folder / "calls", folder / "stderr"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _live(root, function, dies, torn, log, errors)
    _, status = os.waitpid(child, 0)
    calls = [tuple(line.split("\t", 1)) for line in log.read_text().splitlines()]
    ended = Ended(os.waitstatus_to_exitcode(status), calls, errors.read_text())  # type: ignore[arg-type]
    shutil.rmtree(folder)
    return ended


def _live(
    root: Path, function: Callable[[], int | None], dies: Chooses | None, torn: bool, log: Path, errors: Path
) -> None:
    code = 1
    try:
        record = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)
        os.dup2(os.open(errors, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr, sys.stdout = os.fdopen(2, "w", closefd=False), os.fdopen(1, "w", closefd=False)
        number, counting = 0, threading.RLock()  # members may be trained in several threads

        def call(kind: str, path: str, descriptor: int | None = None) -> None:
            nonlocal number
            with counting:
                number += 1
                os.write(record, f"{kind}\t{path}\n".encode())
                if dies is not None and dies(number, kind, path):
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
