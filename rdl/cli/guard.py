"""The last words of a command: its exit code and one line, wherever they go.

Exit codes: 0 done, 2 the user's input is wrong, 1 our fault (with a traceback), 130 interrupted.
"""

import errno
import io
import os
import sys
from collections.abc import Callable

from rdl.errors import UserError, in_one_line

_OUTPUT_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def guard(main: Callable[[], int], told: Callable[[str], str] = str) -> int:
    """The exit code of a command, whose last words are one line wherever they go.

    What its output's encoding has no characters for is escaped, so that a terminal of ASCII or a name on disk that is
    no UTF-8 ends nothing. An output that is closed or full is an error of the user's, as a file would be.

    Args:
      main: does the work; returns the exit code.
      told: puts an error's line in the words of who started the command.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        print("error: standard output is closed: give it a file, or /dev/null.", file=sys.stderr)
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
        return code
    except UserError as error:
        return _say(told(f"error: {in_one_line(error)}"), 2)
    except BrokenPipeError:  # who reads what is printed has seen enough, such as head
        _silence()
        return 0
    except KeyboardInterrupt:
        return _say("\nstopped; the same command goes on from here.", 130)
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_FAILS:
            raise
        _silence()
        return _say(f"error: Cannot write to standard output ({error.strerror}): choose another place for it.", 2)


def _say(line: str, code: int) -> int:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return code


def _silence() -> None:
    """What is still to be printed would fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
