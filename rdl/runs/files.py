"""Atomic writes: after a crash a file has its old content or its new content, never a part of it.

Every function writes to a temporary file in the same folder (`.NAME.PID.RANDOM.tmp`), flushes it to disk, renames it
and flushes the folder. Problems that the user can solve (a full disk, no permission, a limit on file sizes) are raised
as `UserError`, and the temporary file is removed.
"""

import errno
import hashlib
import json
import math
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rdl.errors import UserError

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder",
    errno.EDQUOT: "your disk quota is exhausted: free some space, or choose another folder",
    errno.EFBIG: "the file exceeds the size limit: raise it (ulimit -f), or choose another disk",
    errno.EACCES: "no permission to write there: choose another folder, or change its permissions",
    errno.EPERM: "no permission to write there: choose another folder, or change its permissions",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another path",
    errno.EEXIST: "a part of the path is a file, not a folder: choose another path",
    errno.EISDIR: "a folder has this name: choose another path",
    errno.ENOENT: "its folder is missing and cannot be created: choose another folder",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


@contextmanager
def explained(path: str | os.PathLike, doing: str = "write") -> Iterator[None]:
    """Raises operating system errors that the user can solve as a `UserError` about `path`.

    Args:
      path: the file or folder.
      doing: the verb of the message, ``Cannot <doing> <path>``.
    """
    try:
        yield
    except UserError:  # it may concern another file, which its message names
        raise
    except Exception as error:
        advice = _advice(error)
        if advice is None:
            raise
        raise UserError(f"Cannot {doing} {os.fspath(path)}: {advice}.") from error


def _advice(error: BaseException | None) -> str | None:
    """Advice on an error or its causes, since a failed clean-up may hide the first error; None if there is none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ADVICE:
            return _ADVICE[error.errno]
        error = error.__cause__ or error.__context__
    return None


def make_folder(path: str | os.PathLike) -> Path:
    """Creates the folder and its parents if they are missing; returns its path."""
    path = Path(path)
    with explained(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Opens a new binary file, which replaces `path` at the end of the block, or is deleted if the block raises.

    Raises:
      UserError: the file cannot be written, for a reason that the user can solve.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = _temporary(path)
    with explained(path):
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync(path.parent)


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Creates a folder, which replaces `path` at the end of the block, or is deleted if the block raises.

    If the process is killed, `path` may be missing and temporary folders may stay, but `path` is never incomplete.

    Raises:
      UserError: the folder cannot be written, for a reason that the user can solve.
    """
    path = Path(path).absolute()
    make_folder(path.parent)
    new, old = _temporary(path), _temporary(path)
    with explained(path):
        try:
            new.mkdir()
            yield new
            for part in (*new.rglob("*"), new):
                _sync(part)
            if path.is_dir():
                os.replace(path, old)
            os.replace(new, path)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _sync(path.parent)
        shutil.rmtree(old, ignore_errors=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def _sync(path: Path) -> None:
    """Flushes a file's content, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network file systems do not sync folders
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes the bytes, atomically."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: str | os.PathLike, content: str) -> None:
    """Writes the text as UTF-8, atomically. Surrogates, which file names may hold, are escaped."""
    write_bytes(path, content.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Writes the value as JSON, atomically. NumPy scalars and arrays become numbers and lists; NaN and infinity, null.

    Raises:
      TypeError: the value holds an object that JSON cannot represent.
      UserError: the file cannot be written.
    """
    write_text(path, json_text(content))


def export_json(path: str | os.PathLike, content: Any) -> None:
    """Writes JSON to a path of the user's choice. Links are followed; devices and pipes are not replaced.

    Raises:
      UserError: the file cannot be written.
    """
    place = Path(os.path.realpath(path))
    if place.is_dir() or not place.exists() or place.is_file():
        return write_json(place, content)
    with explained(path):
        place.write_text(json_text(content), encoding="utf-8", errors="backslashreplace")
    return None


def json_text(content: Any) -> str:
    """Formats a value as `write_json` does."""
    return json.dumps(_finite(json.loads(json.dumps(content, default=_plain))), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse_json(content: bytes) -> Any:
    """Parses JSON from an untrusted file.

    NaN and numbers beyond the range of floats and 64-bit integers become None. Lone surrogates, which cannot be
    encoded or drawn, are escaped.

    Raises:
      ValueError: the content is not JSON, or nested too deep.
    """
    try:
        found = json.loads(content, parse_float=_number, parse_int=_number, parse_constant=lambda _: None)
        return _escape_surrogates(found) if b"\\u" in content else found
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _escape_surrogates(value: Any) -> Any:
    if isinstance(value, dict):
        return {_escape_surrogates(key): _escape_surrogates(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_escape_surrogates(part) for part in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _number(text: str) -> float | None:
    if text.lstrip("-").isdigit() and len(text) <= 20:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def read_json(path: str | os.PathLike) -> Any:
    """Reads a file that `write_json` wrote; None if it cannot be read or is not JSON."""
    try:
        return parse_json(Path(path).read_bytes())
    except (ValueError, OSError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be represented in JSON: {value!r}")


def write_npy(path: str | os.PathLike, array: np.ndarray) -> None:
    """Writes an array as .npy, atomically.

    Raises:
      TypeError: the array holds Python objects, which need a pickle.
    """
    array = np.asarray(array, order="C")
    if array.dtype.hasobject:
        raise TypeError(f"An array of Python objects cannot be written without a pickle, got dtype {array.dtype}.")
    with replacing(path) as file:
        # Not np.save: it writes through C, which loses the error number of a full disk.
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def write_npz(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes named arrays as an uncompressed .npz, atomically. Equal arrays give equal bytes.

    Raises:
      ValueError: an array holds Python objects, which need a pickle.
    """
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def sha256(path: str | os.PathLike) -> str:
    """The file's SHA-256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
