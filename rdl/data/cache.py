"""Images made ready on disk, whose pages the system holds once for all processes of a machine.

A cache is two files in `RDL_CACHE` (or `~/.cache/rdl`): `NAME.npy` with the images, one bit a value where
they are only black and white, and `NAME.json` with what they are and their SHA-256. The second is written
last: a cache without it does not exist. Both can be deleted at any time; they are made again.
"""

import fcntl
import hashlib
import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data.formats import npz
from rdl.data.sources import ArraySource, MappedSource, Source
from rdl.errors import UserError
from rdl.runs import files

OnProgress = Callable[[int, int], None]  # images done, images in all

_VERIFY_AT_MOST = 1 << 30  # bytes hashed whenever a cache is opened; larger ones are left to `bin/data check`
_IN_MEMORY_AT_MOST = 1 << 26  # bytes of decoded images that every process may hold for itself
_log = logging.getLogger(__name__)


def folder() -> Path:
    """Where caches lie."""
    return Path(os.environ.get("RDL_CACHE") or Path.home() / ".cache" / "rdl")


def path_of(key: str) -> Path:
    """Where the images with this key lie, whether they exist or not."""
    word = re.sub(r"[^a-z0-9]+", "-", Path(key.split(" ")[0]).stem.lower()).strip("-") or "images"
    return folder() / f"{word}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.npy"


def ready(source: Source) -> Source:
    """The source's cache where there is one, else the source."""
    if source.stochastic:
        return _inside(source, ready)
    return source if isinstance(source, MappedSource) else find(source.key) or source


def prepare(source: Source, progress: OnProgress | None = None) -> Source:
    """The source's cache, made where there is none. Of a stochastic source, what lies beneath the chance.

    Raises:
      UserError: the cache cannot be written.
    """
    if source.stochastic:
        return _inside(source, lambda inner: prepare(inner, progress))
    if isinstance(source, MappedSource):
        return source
    return build(source.key, len(source), source.shape, source.blocks(), source.binary, progress)


def _inside(source: Any, change: Callable[[Source], Source]) -> Source:
    return replace(source, source=change(source.source)) if hasattr(source, "source") else source


def find(key: str) -> MappedSource | None:
    """The cached images with this key; None where there are none, or where they are damaged."""
    path = path_of(key)
    record = _record(path)
    if record is None:
        return None
    if not is_sound(path, thorough=record["bytes"] <= _VERIFY_AT_MOST):
        _log.warning("The cache %s is not what was written, and is not used: it can be deleted.", path)
        return None
    shape = tuple(record["shape"])
    return MappedSource(path, record["offset"], record["length"], shape, key, record["packed"])


def is_sound(path: Path, thorough: bool = True) -> bool:
    """Whether the cache in this file has the size and, if thorough, the SHA-256 that were written."""
    record = _record(path)
    try:
        if record is None or not path.is_file() or path.stat().st_size != record["bytes"]:
            return False
        return not thorough or files.sha256(path) == record["sha256"]
    except OSError:
        return False


def _record(path: Path) -> dict[str, Any] | None:
    """What was written down about the cache; None where that is not there, or no record of a cache."""
    try:
        record = files.parse_json(path.with_suffix(".json").read_bytes())
        kinds = {"bytes": int, "offset": int, "length": int, "packed": bool, "sha256": str, "shape": list}
        if any(type(record[name]) is not kind for name, kind in kinds.items()):
            return None
        shape, whole = record["shape"], [record["offset"], record["length"], *record["shape"]]
        row = -(-math.prod(shape) // 8) if record["packed"] else math.prod(shape)
        fits = len(shape) == 3 and all(type(n) is int and n > 0 for n in whole)
        return record if fits and record["offset"] + record["length"] * row == record["bytes"] else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def build(
    key: str,
    length: int,
    shape: tuple[int, int, int],
    blocks: Iterable[np.ndarray],
    packed: bool = False,
    progress: OnProgress | None = None,
) -> MappedSource:
    """The cached images with this key, made from the blocks where they do not exist.

    Args:
      key: what they are.
      length: how many.
      shape: height, width, channels.
      blocks: the images in order, uint8 [any, height, width, channels]; read only where there is no cache.
      packed: stores one bit a value; all are 0 or 255.
      progress: called after every block.

    Raises:
      UserError: the cache cannot be written.
    """
    path = path_of(key)
    with _lock(path):
        if (found := find(key)) is not None:
            return found
        row = (-(-math.prod(shape) // 8),) if packed else shape
        done = 0
        with files.replacing(path) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (length, *row)}
            np.lib.format.write_array_header_1_0(file, header)
            offset = file.tell()
            for block in blocks:
                rows = np.packbits(block.reshape(len(block), -1), axis=1) if packed else np.ascontiguousarray(block)
                file.write(rows.data)
                done += len(block)
                if progress is not None:
                    progress(done, length)
            if done != length:
                raise UserError(f"Expected {length} images, got {done} ({key[:200]}): get the files again.")
            size = file.tell()
        record = {"key": key, "length": length, "shape": shape, "packed": packed, "offset": offset, "bytes": size}
        files.write_json(path.with_suffix(".json"), {**record, "sha256": files.sha256(path)})
    return MappedSource(path, offset, length, shape, key, packed)


def settle(key: str, length: int, shape: tuple[int, int, int], blocks: Iterable[np.ndarray]) -> Source:
    """Images that can only be read in order, made readable by index: few in memory, many as a cache.

    Args: as `build`.
    """
    if length * math.prod(shape) > _IN_MEMORY_AT_MOST:
        _log.info("Decoding %d images once, into %s.", length, path_of(key))
        return build(key, length, shape, blocks)
    images = np.concatenate(list(blocks))
    if len(images) != length:
        raise UserError(f"Expected {length} images, got {len(images)} ({key[:200]}): get the files again.")
    return ArraySource(images, key)


def check_in_place(entry: npz.Entry) -> None:
    """Holds an array that is read where it lies to its checksum: always where it is small, once where it is large.

    Raises:
      UserError: the file is damaged.
    """
    mark = path_of(f"checked {npz.identity(entry.path)} {entry.name}").with_suffix(".checked")
    if entry.size <= _VERIFY_AT_MOST or not mark.is_file():
        npz.check(entry)
        if entry.size > _VERIFY_AT_MOST:
            files.write_text(mark, "")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process builds, the others wait for it."""
    files.make_folder(path.parent)
    with _opened(path.with_suffix(".lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(path: Path):
    with files.explained(path):
        return open(path, "w")
