"""Caches of decoded images on disk, which all processes of a machine share through the page cache.

A cache is two files in `RDL_CACHE` (or `~/.cache/rdl`): `NAME.npy` with the images, packed into bits where they are
black and white, and `NAME.json` with their description and SHA-256. The second is written last: a cache without it
does not exist. Both can be deleted at any time and are then made again.
"""

import fcntl
import hashlib
import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data.formats import npz
from rdl.data.sources import ArraySource, MappedSource, Source
from rdl.errors import UserError
from rdl.runs import files

OnProgress = Callable[[int, int], None]  # number of images written, number of all images

_VERIFY_AT_MOST = 1 << 30  # bytes hashed whenever a cache is opened; `bin/data check` hashes larger ones
_IN_MEMORY_AT_MOST = 1 << 26  # bytes of decoded images that each process may hold itself
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Folder of the caches."""
    return Path(os.environ.get("RDL_CACHE") or Path.home() / ".cache" / "rdl")


def cache_path(key: str) -> Path:
    """Path of the images with this key, whether they exist or not."""
    word = re.sub(r"[^a-z0-9]+", "-", Path(key.split(" ")[0]).stem.lower()).strip("-") or "images"
    return cache_folder() / f"{word}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.npy"


def ready(source: Source) -> Source:
    """The source's cache where it exists, else the source."""
    if source.stochastic:
        return _inside(source, ready)
    return source if isinstance(source, MappedSource) else find_cached(source.key) or source


def prepare_source(source: Source, progress: OnProgress | None = None) -> Source:
    """The source's cache, made where it does not exist. For a stochastic source, that of the source it draws upon.

    Raises:
      UserError: the cache cannot be written.
    """
    if source.stochastic:
        return _inside(source, lambda inner: prepare_source(inner, progress))
    if isinstance(source, MappedSource):
        return source
    return build_cache(source.key, len(source), source.shape, source.blocks(), source.binary, progress, source.notes)


def _inside(source: Any, change: Callable[[Source], Source]) -> Source:
    return replace(source, source=change(source.source)) if hasattr(source, "source") else source


def find_cached(key: str) -> MappedSource | None:
    """The cached images with this key; None where they do not exist or are damaged."""
    path = cache_path(key)
    record = _record(path)
    if record is None:
        return None
    if not is_sound(path, thorough=record["bytes"] <= _VERIFY_AT_MOST):
        _log.warning("The cache %s is damaged and is not used: delete it.", path)
        return None
    shape = tuple(record["shape"])
    return MappedSource(path, record["offset"], record["length"], shape, key, record["packed"], record["notes"])


def is_sound(path: Path, thorough: bool = True) -> bool:
    """Whether the cache in this file has the recorded size and, if thorough, the recorded SHA-256."""
    record = _record(path)
    try:
        if record is None or not path.is_file() or path.stat().st_size != record["bytes"]:
            return False
        return not thorough or files.sha256(path) == record["sha256"]
    except OSError:
        return False


def _record(path: Path) -> dict[str, Any] | None:
    """The description of the cache; None where it is missing or is not the description of a cache."""
    try:
        record = files.parse_json(path.with_suffix(".json").read_bytes())
        kinds = {
            "bytes": int,
            "offset": int,
            "length": int,
            "packed": bool,
            "sha256": str,
            "shape": list,
            "notes": list,
        }
        if any(type(record[name]) is not kind for name, kind in kinds.items()):
            return None
        shape, whole = record["shape"], [record["offset"], record["length"], *record["shape"]]
        row = -(-math.prod(shape) // 8) if record["packed"] else math.prod(shape)
        fits = len(shape) == 3 and all(type(n) is int and n > 0 for n in whole)
        fits = fits and all(type(note) is str for note in record["notes"])
        return record if fits and record["offset"] + record["length"] * row == record["bytes"] else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def build_cache(
    key: str,
    length: int,
    shape: tuple[int, int, int],
    blocks: Iterable[np.ndarray],
    packed: bool = False,
    progress: OnProgress | None = None,
    notes: Sequence[str] = (),
) -> MappedSource:
    """The cached images with this key, made from the blocks where they do not exist.

    Args:
      key: identifies the images.
      length: number of images.
      shape: height, width, channels.
      blocks: the images in order, uint8 [any, height, width, channels]; read only where no cache exists.
      packed: stores one bit per value; all values are 0 or 255.
      progress: called after every block.
      notes: what decoding decided, kept with the images.

    Raises:
      UserError: the cache cannot be written.
    """
    path = cache_path(key)
    with _lock(path):
        if (found := find_cached(key)) is not None:
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
        files.write_json(path.with_suffix(".json"), {**record, "notes": list(notes), "sha256": files.sha256(path)})
    return MappedSource(path, offset, length, shape, key, packed, notes)


def decode_once(
    key: str, length: int, shape: tuple[int, int, int], blocks: Iterable[np.ndarray], notes: Sequence[str] = ()
) -> Source:
    """Makes images that can only be read in order readable by index: few in memory, many in a cache.

    Args:
      key, length, shape, blocks, notes: see `build_cache`.

    Raises:
      UserError: the blocks hold another number of images, or the cache cannot be written.
    """
    if length * math.prod(shape) > _IN_MEMORY_AT_MOST:
        _log.info("Decoding %d images once, into %s.", length, cache_path(key))
        return build_cache(key, length, shape, blocks, notes=notes)
    images = np.concatenate(list(blocks))
    if len(images) != length:
        raise UserError(f"Expected {length} images, got {len(images)} ({key[:200]}): get the files again.")
    return ArraySource(images, key, notes)


def check_in_place(entry: npz.Entry) -> None:
    """Compares an array that is read in place with its checksum: a small one always, a large one once.

    Raises:
      UserError: the file is damaged.
    """
    mark = cache_path(f"checked {npz.file_identity(entry.path)} {entry.name}").with_suffix(".checked")
    if entry.size <= _VERIFY_AT_MOST or not mark.is_file():
        npz.verify_checksum(entry)
        if entry.size > _VERIFY_AT_MOST:
            files.write_text(mark, "")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process builds, the others wait for it."""
    files.make_folder(path.parent)
    with _open(path.with_suffix(".lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open(path: Path):
    with files.explained(path):
        return open(path, "w")
