"""One's own images: a npz file, a folder of PNG or JPEG files, or a set of TensorFlow Datasets."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from rdl.data import cache
from rdl.data.factors import FactorSpace, GroundTruth, Table
from rdl.data.formats import npz
from rdl.data.formats.decode import FEWEST, Treatment, check_range, check_shape, open_picture, to_bytes
from rdl.data.sources import MappedSource, Source
from rdl.errors import UserError

_SUFFIXES = (".png", ".jpg", ".jpeg")
_LONGEST_NAME = 100  # characters
_MOST_LEVELS = 20  # distinct values with fractions that still count as levels of a discrete factor


def from_npz(path: Path, treatment: Treatment) -> tuple[Source, GroundTruth | None]:
    """`images` of a npz file, and `factors` ([n] or [n, factors], any numbers) with `factor_names` where
    present.

    Raises:
      UserError: the file is missing or damaged, holds pickles, or images or factors are not as they should
      be.
    """
    entry = npz.find(path, "images")
    length, height, width, channels = check_shape(entry.shape, f"the images in {path}")
    present = npz.names(path)
    labels = None
    if "factors" in present:
        names = _names(npz.load(path, "factor_names"), path) if "factor_names" in present else None
        labels = table(npz.load(path, "factors"), length, names, f"'factors' in {path}")
    return _array_source(entry, length, (height, width, channels), treatment), labels


def _array_source(entry: npz.Entry, length: int, shape: tuple[int, int, int], treatment: Treatment) -> Source:
    what = f"the images in {entry.path}"
    key = f"{npz.identity(entry.path)} {entry.name}"
    source: Source
    if entry.dtype == np.uint8 and entry.offset is not None and not treatment.changes(*shape):
        cache.check_in_place(entry)
        source = MappedSource(entry.path, entry.offset, length, shape, key)
    else:
        blocks = (to_bytes(block, what) for block in npz.stream(entry, shape))
        source = cache.settle(f"{key} {treatment}", length, treatment.shape(*shape), treatment.blocks(blocks))
    if entry.dtype == np.uint8:
        check_range(source.read(np.linspace(0, length - 1, min(length, 1000)).astype(np.int64)), what)
    return source


def _names(names: np.ndarray, path: Path) -> list[str]:
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise UserError(f"Expected 'factor_names' in {path} to be a list of texts, got {names.dtype} {names.shape}.")
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names.tolist()]


def table(factors: np.ndarray, length: int, names: list[str] | None, what: str) -> Table:
    """Factors of one's own images; the distinct values of each are numbered in their order.

    Raises:
      UserError: not one row of numbers for each image.
    """
    factors = factors[:, np.newaxis] if factors.ndim == 1 else factors
    if factors.ndim != 2 or len(factors) != length or not factors.shape[1] or factors.dtype.kind not in "biuf":
        raise UserError(
            f"Expected {what} to be numbers of shape [{length}, factors], one row an image, "
            f"got {factors.dtype} {list(factors.shape)}."
        )
    names = [f"factor_{i}" for i in range(factors.shape[1])] if names is None else [str(name) for name in names]
    if wrong := [name for name in names if not name.isprintable() or not 1 <= len(name) <= _LONGEST_NAME]:
        raise UserError(f"{what}: a factor's name is a short text that can be printed, got {wrong[0][:20]!a}.")
    if not np.isfinite(factors).all():
        raise UserError(f"{what} hold NaN or infinity: every image needs every factor.")
    columns = [np.unique(column, return_inverse=True) for column in factors.T]
    distinct = [values for values, _ in columns]
    continuous = tuple(is_continuous(values, length) for values in distinct)
    space = FactorSpace(tuple(names), tuple(map(len, distinct)), continuous)
    return Table(space, np.stack([numbers for _, numbers in columns], axis=1), distinct)


def is_continuous(values: np.ndarray, images: int) -> bool:
    """Whether a factor with these distinct values is a measured quantity: fractions, and no few levels.

    Args:
      values: distinct values of the factor.
      images: number of images with labels.
    """
    fractions = values.dtype.kind == "f" and bool(np.any(values % 1))
    return fractions and (len(values) > _MOST_LEVELS or 2 * len(values) > images)


def pictures(path: Path) -> list[Path]:
    """All PNG and JPEG files in a folder and the folders in it, in the order of their names."""
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())


def checked_pictures(path: Path) -> list[Path]:
    """`pictures`, which are enough.

    Raises:
      UserError: too few of them.
    """
    files = pictures(path)
    if len(files) < FEWEST:
        raise UserError(f"Expected at least {FEWEST} PNG or JPEG files in the folder {path}, got {len(files)}.")
    return files


def from_folder(path: Path, treatment: Treatment) -> Source:
    """All PNG and JPEG files in a folder and the folders in it, in the order of their names.

    Raises:
      UserError: too few of them, one that is damaged, or of another size or colour than the first.
    """
    files = checked_pictures(path)
    listing = "\n".join(f"{file.relative_to(path)} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    shape = _decode(files[0], treatment).shape
    key = f"{path.resolve()} {hashlib.sha256(os.fsencode(listing)).hexdigest()} {treatment}"
    return cache.find(key) or cache.settle(key, len(files), shape, _decode_all(files, shape, treatment))


def _decode_all(files: list[Path], shape: tuple[int, ...], treatment: Treatment) -> Iterator[np.ndarray]:
    for start in range(0, len(files), 256):
        images = []
        for file in files[start : start + 256]:
            images.append(_decode(file, treatment))
            if images[-1].shape != shape:
                raise UserError(
                    f"{file} is {_words(images[-1].shape)}, while {files[0]} is {_words(shape)}: "
                    "make all alike with dataset.size and dataset.channels (bin/disentangle: --size and --channels)."
                )
        yield np.stack(images)


def _words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} {'grey' if shape[2] == 1 else 'RGB'}"


def _decode(file: Path, treatment: Treatment) -> np.ndarray:
    def use(image: Image.Image) -> np.ndarray:
        if image.mode.startswith(("I", "F")):
            raise UserError(f"{file} has more than 8 bits a channel: convert it to 8.")
        return treatment.apply(image)

    return open_picture(file, use)


def from_tfds(name: str, split: str, treatment: Treatment) -> tuple[Source, GroundTruth | None]:
    """The `image`s of a data set of TensorFlow Datasets (an extra package), and its `label`s as a factor.

    Raises:
      UserError: the package or the data set is missing, or its images are not as they should be.
    """
    try:
        import tensorflow_datasets as tfds  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(
            f"'tfds:{name}' needs the package tensorflow-datasets: pip install tensorflow-datasets."
        ) from None
    try:
        builder = tfds.builder(name)
        if split not in builder.info.splits:
            raise UserError(f"'tfds:{name}' has no split '{split}': use one of {', '.join(builder.info.splits)}.")
        builder.download_and_prepare()
    except UserError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"TensorFlow Datasets cannot give '{name}': {reason}") from error
    length = builder.info.splits[split].num_examples
    # One example gives the shape; a set of images of many sizes needs dataset.size.
    first = _tfds_image(next(iter(tfds.as_numpy(builder.as_dataset(split=split)))), name, treatment)
    check_shape((length, *first.shape), f"the images of 'tfds:{name}'")
    key = f"tfds:{name} {builder.info.version} {split} {treatment}"
    blocks = _tfds_blocks(tfds, builder, split, name, first.shape, treatment)
    source = cache.find(key) or cache.settle(key, length, first.shape, blocks)
    if "label" not in builder.info.features:
        return source, None
    labels = [example["label"] for example in tfds.as_numpy(builder.as_dataset(split=split))]
    return source, table(np.array(labels), length, ["label"], f"the labels of 'tfds:{name}'")


def _tfds_blocks(tfds, builder, split, name, shape, treatment) -> Iterator[np.ndarray]:
    images = []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        image = _tfds_image(example, name, treatment)
        if image.shape != shape:
            raise UserError(f"The images of 'tfds:{name}' have several sizes: make all alike with dataset.size.")
        images.append(image)
        if len(images) == 256:
            yield np.stack(images)
            images = []
    if images:
        yield np.stack(images)


def _tfds_image(example, name: str, treatment: Treatment) -> np.ndarray:
    if not isinstance(example, dict) or "image" not in example:
        raise UserError(f"'tfds:{name}' has no feature 'image': choose a data set of images.")
    image = to_bytes(np.asarray(example["image"]), f"the images of 'tfds:{name}'")
    return next(treatment.blocks([image[np.newaxis]]))[0]
