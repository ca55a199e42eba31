"""MNIST and Fashion-MNIST from their IDX files, plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from rdl.data import cache, official
from rdl.data.factors import FactorSpace, Table
from rdl.data.formats import npz
from rdl.data.formats.reading import describe_cause
from rdl.data.formats.shapes import check_images
from rdl.data.formats.treatment import Treatment
from rdl.data.sources import Source
from rdl.errors import UserError

_LARGEST = 1 << 28  # bytes, unpacked: five times the training images


def digits(data_set: str, split: str, treatment: Treatment) -> tuple[Source, Table]:
    """mnist or fashion_mnist: the train or test split, 28 x 28 unless resized, with the class as the only factor.

    Raises:
      UserError: an unknown split, or a missing or damaged file.
    """
    if split not in ("train", "test"):
        raise UserError(f"Expected the split 'train' or 'test' of '{data_set}', got {split!r}.")
    part = {"train": "train", "test": "t10k"}[split]
    path = official.IDX[data_set, part, "images-idx3"].require(data_set)
    images = read_idx(path)
    labels = read_idx(official.IDX[data_set, part, "labels-idx1"].require(data_set))
    if images.ndim != 3 or labels.shape != images.shape[:1] or labels.max(initial=0) > 9:
        raise UserError(
            f"Expected images [n, height, width] and labels [n] from 0 to 9 in {path.parent}, "
            f"got {list(images.shape)} and {list(labels.shape)}: get the files again."
        )
    check_images(images.shape, f"the images in {path}")
    blocks = treatment.blocks([images[i : i + 1000, ..., np.newaxis] for i in range(0, len(images), 1000)])
    shape = treatment.shape(images.shape[1], images.shape[2], 1)
    source = cache.decode_once(f"{data_set} {npz.file_identity(path)} {treatment}", len(images), shape, blocks)
    return source, Table(FactorSpace(("class",), (10,)), labels[:, np.newaxis])


def read_idx(path: Path) -> np.ndarray:
    """The array of unsigned bytes in an IDX file.

    Raises:
      UserError: the file is no IDX file of unsigned bytes, or is truncated.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"Cannot read {path}: {describe_cause(error)}; if it is damaged, get it again.") from error
    if len(content) > _LARGEST:
        raise UserError(f"{path} is larger than any file of MNIST or Fashion-MNIST: get it again.")
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise UserError(f"{path} is not an IDX file of unsigned bytes: get it again.")
    dimensions, start = content[3], 4 + 4 * content[3]
    if len(content) < start:
        raise UserError(f"{path} is truncated: it does not hold the {dimensions} sizes it announces; get it again.")
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    if dimensions > 32 or len(content) != start + math.prod(shape):
        raise UserError(f"{path} is truncated: it does not hold the {list(shape)} bytes it announces; get it again.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
