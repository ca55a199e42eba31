"""The door to the terminal: a command's last words are one line wherever they go."""

import errno
import io
import os
import sys
from collections.abc import Callable

from rdl.errors import UserError, in_one_line

_REFUSALS = (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EROFS, errno.ESTALE)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def guard(command: Callable[[], int], word: Callable[[str], str] = str) -> int:
    """The exit code of a command.

    What the output's encoding has no characters for is escaped, so that a terminal of ASCII, or a name on disk that is
    no UTF-8, ends nothing. An output that is closed or full is an error of the user's, as a file would be; so is a path
    that the operating system refuses, whoever was about to look at it.

    Args:
      command: prints, and returns its exit code.
      word: what to make of an error's words.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        return _say("error: standard output is closed: give it a file, or /dev/null.", 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
        return code
    except UserError as error:
        return _say(word(f"error: {in_one_line(error)}"), 2)
    except BrokenPipeError:  # who reads what is printed has seen enough, such as head
        _silence(sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _say("\nstopped; the same command goes on from here.", 130)
    except UnicodeEncodeError as error:  # a path that goes to TensorFlow, say
        return _say(f"error: Cannot use {error.object[:200]!a}, which is no UTF-8: choose another name.", 2)
    except OSError as error:
        if (refused := _refused(error)) is not None:
            return _say(f"error: {in_one_line(refused)}", 2)
        if error.filename is not None or error.errno not in _FULL:
            raise
        _silence(sys.stdout.fileno())
        return _say(f"error: Cannot write to standard output ({error.strerror}): choose another place for it.", 2)


def _refused(error: BaseException | None) -> UserError | None:
    """What the operating system refused about a path, also where gin has wrapped it."""
    while error is not None:
        if isinstance(error, OSError) and error.filename is not None and error.errno in _REFUSALS:
            name = os.fsdecode(error.filename)
            shown = name if len(name) <= 200 else f"{name[:200]} .."
            return UserError(f"Cannot use {shown}: {str(error.strerror).lower()}; choose another path.")
        error = error.__cause__ or error.__context__
    return None


def _say(line: str, code: int) -> int:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # there is nobody to tell
        _silence(2)
    return code


def _silence(descriptor: int) -> None:
    """What is still to be printed would fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
