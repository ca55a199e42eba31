"""Reads a folder of pictures: finds the files, recognises range and transparency, decodes them once."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rdl.data import cache
from rdl.data.factors import FactorSpace, Table
from rdl.data.formats.intensities import Brightest, Extent, Range, resolve_range, to_uint8
from rdl.data.formats.picture_files import SUFFIXES, Picture, decode_picture, read_header
from rdl.data.formats.shapes import FEWEST, Shape, check_images, describe_shape
from rdl.data.formats.transparency import Grounds, check_background, compose
from rdl.data.formats.treatment import Treatment
from rdl.data.sources import Source
from rdl.errors import UserError

_BLOCK = 256  # images decoded at once
_SHOWN = 5  # file types, links and classes named in a note
_ARCHIVES_OF_SYSTEMS = ("__MACOSX",)


@dataclass
class Listing:
    """Picture files of a folder and the folders in it, in the order of their names, and notes on the others."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Decoding:
    """The settings that convert stored pictures to uint8 images.

    Attributes:
      deep: stored values of black and white in pictures of more than 8 bits; None where there are no such pictures.
      shallow: the same for 8 bits; None: 0 and 255.
      ground: level on which transparent pictures are composed.
    """

    deep: Range | None = None
    shallow: Range | None = None
    ground: int = 255

    def apply(self, picture: Picture) -> np.ndarray:
        """uint8 [height, width, 1 or 3]."""
        stored = picture.pixels
        chosen = self.shallow or (0, 255) if stored.dtype == np.uint8 else self.deep or (0, 65535)
        pixels = to_uint8(stored, chosen)
        return pixels if picture.alpha is None else compose(pixels, picture.alpha, self.ground)


def list_pictures(folder: Path) -> Listing:
    """Finds the picture files; hidden names are skipped, linked folders followed, each folder once.

    Raises:
      UserError: a folder that cannot be read.
    """
    found = Listing()
    others: Counter[str] = Counter()
    dangling: list[str] = []
    repeated: list[str] = []
    visited: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        raise UserError(f"Cannot read the folder {error.filename}: {error.strerror}; change its permissions.")

    root = folder.resolve()
    outside: list[str] = []
    for place, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        state = os.stat(place)
        if (state.st_dev, state.st_ino) in visited:
            repeated.append(os.path.relpath(place, folder))
            folders.clear()
            continue
        visited.add((state.st_dev, state.st_ino))
        if os.path.islink(place) and place != os.fspath(folder) and not Path(place).resolve().is_relative_to(root):
            outside.append(f"{os.path.relpath(place, folder)} -> {os.path.realpath(place)}")
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _ARCHIVES_OF_SYSTEMS)
        for name in names:
            path = Path(place, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() not in SUFFIXES:
                others[path.suffix.lower() or "no ending"] += 1
            elif path.is_file():
                found.files.append(path)
            else:
                dangling.append(os.path.relpath(path, folder))
    found.files.sort()
    if others:
        kinds = ", ".join(f"{ending!a}"[1:-1] for ending, _ in others.most_common(_SHOWN))
        more, plural = ", .." if len(others) > _SHOWN else "", "file" if others.total() == 1 else "files"
        found.notes.append(f"{len(found.files):,} read, {others.total():,} other {plural} ignored: {kinds}{more}")
    if dangling:
        found.notes.append(f"links to missing files ignored: {_list(dangling)}")
    if outside:
        found.notes.append(f"links to folders outside are followed: {_list(outside)}")
    if twins := len(found.files) - len({file.with_suffix("") for file in found.files}):
        found.notes.append(f"{twins:,} pictures have the name of another one with another ending: are they copies?")
    if repeated:
        found.notes.append(f"links to folders that are read already ignored: {_list(repeated)}")
    return found


def require_pictures(folder: Path) -> Listing:
    """`list_pictures`, and enough of them.

    Raises:
      UserError: fewer than 10 pictures.
    """
    found = list_pictures(folder)
    if len(found.files) < FEWEST:
        stacks = [file for file in found.files if read_header(file).frames > 1]
        lines = [*found.notes, *([_describe_stacks(len(stacks))] if stacks else [])]
        notes = f" ({'; '.join(lines)})" if lines else ""
        raise UserError(
            f"Expected at least {FEWEST} pictures in the folder {folder}, got {len(found.files)}{notes}: rdl reads "
            f"{', '.join(SUFFIXES)}."
        )
    return found


def class_labels(folder: Path, files: list[Path]) -> tuple[Table | None, list[str]]:
    """The factor "class" where every picture lies in one of several folders of the folder; and a note on it."""
    parts = [file.relative_to(folder).parts for file in files]
    classes = sorted({part[0] for part in parts})
    if any(len(part) != 2 for part in parts) or not 2 <= len(classes) <= len(files) // 2:
        return None, []
    numbers = np.array([classes.index(part[0]) for part in parts])
    note = f"the folders' names are read as the factor 'class', in this order: {_list(classes)}"
    return Table(FactorSpace(("class",), (len(classes),)), numbers[:, np.newaxis]), [note]


def check_sizes(files: list[Path]) -> tuple[int, int]:
    """Height and width that all pictures share.

    Raises:
      UserError: pictures of several sizes.
    """
    first = read_header(files[0])
    for file in files[1:]:
        header = read_header(file)
        if (header.height, header.width) != (first.height, first.width):
            raise UserError(
                f"{file} is {header.height} x {header.width}, while {files[0]} is {first.height} x {first.width}: "
                "make all alike with dataset.size (bin/disentangle: --size=64 or --size=32)."
            )
    return first.height, first.width


def inspect_folder(folder: Path, channels: int | None, one_size: bool) -> tuple[list[Path], Shape]:
    """Picture files and the shape of the first picture, without decoding the others.

    Args:
      folder: that holds the pictures.
      channels: 1 or 3, in place of the pictures' own.
      one_size: whether all pictures must have one size.

    Raises:
      UserError: too few pictures, pictures of several sizes, or a picture that cannot be read.
    """
    files = require_pictures(folder).files
    if one_size:
        check_sizes(files)
    height, width, own = decode_picture(files[0]).pixels.shape
    return files, Treatment(channels=channels).shape(height, width, own)


def read_folder(
    folder: Path,
    files: list[Path],
    treatment: Treatment,
    value_range: Range | None = None,
    background: str | int | None = None,
) -> Source:
    """The pictures as uint8 images of one size.

    Args:
      folder: that holds them.
      files: of the pictures, in order.
      treatment: of every image.
      value_range: stored values of black and white; None: recognised.
      background: ground of transparent pictures; None: chosen by `Grounds`.

    Raises:
      UserError: a picture that cannot be read or differs from the first in size or colour, values whose range is
        unclear, or shapes that no ground shows.
    """
    level = check_background(background)
    states = [file.stat() for file in files]
    listing = "\n".join(
        f"{file.relative_to(folder)} {state.st_size} {state.st_mtime_ns}"
        for file, state in zip(files, states, strict=True)
    )
    digest = hashlib.sha256(os.fsencode(listing)).hexdigest()
    key = f"{folder.resolve()} {digest} {treatment} {value_range} {level} decoding 2"
    if (found := cache.find_cached(key)) is not None:
        return found
    what = f"the pictures in {folder}"
    decoding, notes = _survey(files, value_range, level, what)
    shape = treatment.apply(decoding.apply(decode_picture(files[0]))).shape
    check_images((len(files), *shape), what)
    blocks = _decode_all(files, shape, treatment, decoding, None if value_range else Brightest(what))
    return cache.decode_once(key, len(files), shape, blocks, notes)


def _survey(files: list[Path], value_range: Range | None, level: int | None, what: str) -> tuple[Decoding, list[str]]:
    """Decodes the pictures that are deep or transparent, to recognise range and ground; and states both."""
    headers = [read_header(file) for file in files]
    special = [file for file, header in zip(files, headers, strict=True) if not header.is_plain]
    deep, notes = Extent(), []
    for file in special:
        pixels = decode_picture(file).pixels
        if pixels.dtype != np.uint8:
            if deep.dtype not in (None, pixels.dtype):
                raise UserError(f"{file} has {pixels.dtype} values, others {deep.dtype}: convert {what} to one type.")
            deep.add(pixels, str(file))
    decoding = Decoding(shallow=value_range)
    if deep.dtype is not None:
        chosen, note = resolve_range(deep, value_range, what)
        decoding = Decoding(chosen, value_range)
        notes += [note] if note else []
    elif value_range:
        notes.append(f"values {value_range[0]:g} to {value_range[1]:g} become black to white (dataset.value_range)")
    grounds = Grounds()
    for file in special:
        picture = decode_picture(file)
        if picture.alpha is not None:
            grounds.add(decoding.apply(Picture(picture.pixels, None)), picture.alpha, file.name)
    if grounds.pictures:
        ground = grounds.choose() if level is None else level
        decoding = Decoding(decoding.deep, decoding.shallow, check_background(ground))  # type: ignore[arg-type]
        notes.append(f"{grounds.pictures:,} pictures have transparent parts, composed on {ground} (dataset.background)")
    if several := sum(header.frames > 1 for header in headers):
        notes.append(_describe_stacks(several))
    return decoding, notes


def _decode_all(
    files: list[Path], shape: Shape, treatment: Treatment, decoding: Decoding, brightest: Brightest | None
) -> Iterator[np.ndarray]:
    for start in range(0, len(files), _BLOCK):
        images = []
        for file in files[start : start + _BLOCK]:
            stored = decode_picture(file)
            if decoding.shallow and stored.pixels.dtype == np.uint8:
                extent = Extent()
                extent.add(stored.pixels, str(file))
                resolve_range(extent, decoding.shallow, str(file))
            pixels = decoding.apply(stored)
            if brightest is not None:
                brightest.add(pixels)
            images.append(treatment.apply(pixels))
            if images[-1].shape != shape:
                raise UserError(
                    f"{file} is {describe_shape(images[-1].shape)}, while {files[0]} is {describe_shape(shape)}: make "
                    "all alike with dataset.size and dataset.channels (bin/disentangle: --size and --channels)."
                )
        yield np.stack(images)
    if brightest is not None:
        brightest.check()


def _describe_stacks(files: int) -> str:
    return (
        f"{files:,} {'file holds' if files == 1 else 'files hold'} several pictures, of which the first is read: save "
        "each picture as a file, or all as an array [n, height, width] by numpy.save"
    )


def _list(names: list[str]) -> str:
    shown = ", ".join(f"{name!a}"[1:-1] for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
