"""Runs a command and turns its errors into one line and an exit code."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable

from rdl.errors import UserError, in_one_line

_REFUSALS = (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EROFS, errno.ESTALE)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def guard(command: Callable[[], int], word: Callable[[str], str] = str) -> int:
    """Runs a command and returns its exit code.

    Characters that the output's encoding lacks are escaped, so that an ASCII terminal or a file name that is not UTF-8
    does not end a command. A closed or full output and a path that the operating system refuses are user errors.

    Args:
      command: prints, and returns its exit code.
      word: rewrites an error message before it is printed.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        return _print_error("error: standard output is closed: give it a file, or /dev/null.", 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
        return code
    except UserError as error:
        return _print_error(word(f"error: {in_one_line(error)}"), 2)
    except BrokenPipeError:  # the reader of the output has ended, such as head
        _silence(sys.stdout.fileno())
        return 128 + signal.SIGPIPE  # as a shell reports commands that end by it; the work may be unfinished
    except KeyboardInterrupt:
        return _print_error("\nstopped; the same command resumes from here.", 130)
    except UnicodeEncodeError as error:  # a path that goes to TensorFlow, say
        return _print_error(f"error: Cannot use {error.object[:200]!a}, which is no UTF-8: choose another name.", 2)
    except OSError as error:
        if (refused := _refused(error)) is not None:
            return _print_error(f"error: {in_one_line(refused)}", 2)
        if error.filename is not None or error.errno not in _FULL:
            raise
        _silence(sys.stdout.fileno())
        return _print_error(
            f"error: Cannot write to standard output ({error.strerror}): choose another place for it.", 2
        )


def _refused(error: BaseException | None) -> UserError | None:
    """The error of a path that the operating system refuses, also where gin has wrapped it; else None."""
    while error is not None:
        if isinstance(error, OSError) and error.filename is not None and error.errno in _REFUSALS:
            name = os.fsdecode(error.filename)
            shown = name if len(name) <= 200 else f"{name[:200]} .."
            return UserError(f"Cannot use {shown}: {str(error.strerror).lower()}; choose another path.")
        error = error.__cause__ or error.__context__
    return None


def _print_error(line: str, code: int) -> int:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # the error output is closed too
        _silence(2)
    return code


def _silence(descriptor: int) -> None:
    """Discards buffered output, which would raise again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
