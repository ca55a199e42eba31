"""Checkpoints of weights and optimiser state: npz files without pickles, written atomically."""

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rdl.runs import files

State = dict[str, np.ndarray]


class CorruptCheckpoint(Exception):
    """A checkpoint is missing, damaged or changed; the message names the file."""


class _HashingWriter:
    """Hashes everything written to a file. It cannot seek, so that the hash is of the file's content."""

    def __init__(self, file: BinaryIO):
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def save_checkpoint(path: str | os.PathLike, state: State) -> str:
    """Writes `state` to `path` atomically and durably; returns the file's SHA-256 in hex.

    Equal states give equal bytes.
    """
    with files.replacing(path) as file:
        writer = _HashingWriter(file)
        with zipfile.ZipFile(writer, "w") as archive:  # type: ignore[call-overload]
            for name, array in state.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
    return writer.digest.hexdigest()


def load_checkpoint(path: str | os.PathLike, sha256: str | None = None) -> State:
    """Reads a checkpoint.

    Args:
      path: the file.
      sha256: returned by `save_checkpoint`; None: only the zip's own checksums are checked.

    Raises:
      CorruptCheckpoint: the file is missing, truncated, changed or no checkpoint.
    """
    try:
        content = Path(path).read_bytes()
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise CorruptCheckpoint(f"Checkpoint {path} has changed since it was written: its SHA-256 differs.")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except CorruptCheckpoint:
        raise
    except Exception as error:  # on damaged files, the readers of zipfile and numpy raise errors of any type
        raise CorruptCheckpoint(f"Checkpoint {path} cannot be read: {error}") from error
