"""Writing files so that a reader finds the old content or the new, whole, whatever happens in between.

Every function writes under a temporary name in the same folder (`.NAME.PID.RANDOM.tmp`), flushes it to the
disk, renames it and flushes the folder. What the user can mend (a full disk, no permission, a limit on file
sizes) comes back as `UserError`; the temporary file is removed.
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
    errno.EDQUOT: "your disk quota is used up: free some space, or choose another folder",
    errno.EFBIG: "the file grew past the limit on sizes: raise it (ulimit -f), or choose another disk",
    errno.EACCES: "no permission to write there: choose another folder, or change its permissions",
    errno.EPERM: "no permission to write there: choose another folder, or change its permissions",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another path",
    errno.EEXIST: "a part of the path is a file, not a folder: choose another path",
    errno.EISDIR: "a folder of that name is in the way: choose another path",
    errno.ENOENT: "its folder is gone, or cannot be made there: choose another folder",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


@contextmanager
def explained(path: str | os.PathLike, doing: str = "write") -> Iterator[None]:
    """Turns an operating system's refusal that the user can mend into a `UserError` about `path`."""
    try:
        yield
    except UserError:  # about something else, such as a file read while this one is written: it says so itself
        raise
    except Exception as error:
        advice = _advice(error)
        if advice is None:
            raise
        raise UserError(f"Cannot {doing} {os.fspath(path)}: {advice}.") from error


def _advice(error: BaseException | None) -> str | None:
    """What to tell the user; looks beneath the error too, since a format's clean-up may hide the first."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ADVICE:
            return _ADVICE[error.errno]
        error = error.__cause__ or error.__context__
    return None


def make_folder(path: str | os.PathLike) -> Path:
    """Makes the folder and its parents where absent; returns it."""
    path = Path(path)
    with explained(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and vanishes when it raises.

    Raises:
      UserError: the operating system refuses, for a reason that the user can mend.
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
    """A new folder that takes the place of `path` when the block ends well, and vanishes when it raises.

    A kill may leave `path` absent, or folders with temporary names, but never a part of a folder.

    Raises:
      UserError: the operating system refuses, for a reason that the user can mend.
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
    """Flushes a file's content, or a folder's list of names, to the disk."""
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
    """Writes the text as UTF-8, atomically; what UTF-8 has no place for, as a name on disk may hold, is escaped."""
    write_bytes(path, content.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Writes the value as JSON, atomically; numpy's numbers and arrays become JSON numbers and lists.

    NaN and infinity, which JSON has no words for, become null.
    """
    write_text(path, json_text(content))


def hand_json(path: str | os.PathLike, content: Any) -> None:
    """`write_json` to a place that a user names: a link is followed; a device or a pipe is written to, not replaced.

    Raises:
      UserError: it cannot be written.
    """
    place = Path(os.path.realpath(path))
    if place.is_dir() or not place.exists() or place.is_file():
        return write_json(place, content)
    with explained(path):
        place.write_text(json_text(content), encoding="utf-8", errors="backslashreplace")
    return None


def json_text(content: Any) -> str:
    """The JSON text that `write_json` writes."""
    return json.dumps(_finite(json.loads(json.dumps(content, default=_plain))), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse_json(content: bytes) -> Any:
    """The door of JSON from elsewhere.

    Numbers that no float or 64-bit integer holds, NaN included, become None; halves of characters, which nothing can
    draw or write, are escaped.

    Raises:
      ValueError: no JSON, or nested too deep.
    """
    try:
        found = json.loads(content, parse_float=_number, parse_int=_number, parse_constant=lambda _: None)
        return _whole(found) if b"\\u" in content else found
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _number(text: str) -> float | None:
    if text.lstrip("-").isdigit() and len(text) <= 20:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def read_json(path: str | os.PathLike) -> Any:
    """What `write_json` wrote; None where the file is no JSON any more, or cannot be read."""
    try:
        return parse_json(Path(path).read_bytes())
    except (ValueError, OSError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON: {value!r}")


def write_npy(path: str | os.PathLike, array: np.ndarray) -> None:
    """Writes one array as .npy, atomically.

    Raises:
      TypeError: the array holds Python objects, which only a pickle could store.
    """
    array = np.asarray(array, order="C")
    if array.dtype.hasobject:
        raise TypeError(f"An array of Python objects cannot be written without a pickle, got dtype {array.dtype}.")
    with replacing(path) as file:
        # Not np.save: it writes through C, where a full disk comes back without its error number.
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def write_npz(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes named arrays as an uncompressed .npz, atomically; the same arrays give the same bytes.

    Raises:
      ValueError: an array holds Python objects, which only a pickle could store.
    """
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def sha256(path: str | os.PathLike) -> str:
    """The file's SHA-256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
