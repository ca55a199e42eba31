"""Weights and optimiser state on disk: npz files without pickles, written whole or not at all."""

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
    """A checkpoint that cannot be read or is not what was written; the message names the file."""


class _Hashing:
    """A file that hashes what is written to it. It cannot seek, so that what is hashed is what lies in the file."""

    def __init__(self, file: BinaryIO):
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def save(path: str | os.PathLike, state: State) -> str:
    """Writes `state` to `path` atomically and durably; returns the SHA-256 of the file in hex.

    The same state gives the same bytes.
    """
    with files.replacing(path) as file:
        hashing = _Hashing(file)
        with zipfile.ZipFile(hashing, "w") as archive:  # type: ignore[call-overload]
            for name, array in state.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
    return hashing.digest.hexdigest()


def load(path: str | os.PathLike, sha256: str | None = None) -> State:
    """Reads what `save` wrote.

    Args:
      path: the file.
      sha256: what `save` returned; None skips that check (the zip's own checksums still hold).

    Raises:
      CorruptCheckpoint: the file is missing, truncated, changed or no checkpoint.
    """
    try:
        content = Path(path).read_bytes()
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise CorruptCheckpoint(f"Checkpoint {path} is not what was written: its SHA-256 differs.")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except CorruptCheckpoint:
        raise
    except Exception as error:  # zipfile's and numpy's readers raise what they please on a file that is none
        raise CorruptCheckpoint(f"Checkpoint {path} cannot be read: {error}") from error
