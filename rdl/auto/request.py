"""The user's request for an automatic run, checked before anything takes time."""

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.auto.inspection import ImageCount, inspect_images
from rdl.auto.plan import LEAST_DATA_SIZE, LONGEST
from rdl.data.formats.intensities import check_value_range
from rdl.data.user.user_arrays import NOTES_KEY, images_from_memory
from rdl.errors import UserError
from rdl.runs import Layout, files

_IN_MEMORY = "in memory, sha256 "
_OF_FILES = ("background", "images_key", "factors_key")


@dataclass(frozen=True)
class AutoRequest:
    """The options of bin/disentangle; the run's plan.json keeps them, so that the same command resumes the run.

    Attributes:
      images: a folder, a file or a data set's name; for images in memory the SHA-256 of their uint8 pixels.
      minutes: duration of the whole command.
      factors: a CSV file of true factors, used to measure at the end.
      size: side of the images as the models see them; None: chosen by the plan.
      channels: 1 or 3; None: as the images are stored.
      seed: seed of the run.
      value_range, background, images_key, factors_key, continuous: as in `rdl.data.load`.
    """

    images: str
    minutes: float = 60
    factors: str | None = None
    size: int | None = None
    channels: int | None = None
    seed: int = 0
    value_range: Sequence[float] | None = None
    background: str | int | None = None
    images_key: str | None = None
    factors_key: str | None = None
    continuous: Sequence[str] | None = None

    def __post_init__(self):
        if not (isinstance(self.minutes, (int, float)) and math.isfinite(self.minutes)) or not (
            0 < self.minutes <= LONGEST
        ):
            raise UserError(f"--minutes must be a number above 0, such as 60, got {self.minutes!r}.")
        if self.size is not None and self.size not in (16, 32, 64):
            raise UserError(f"--size must be 16, 32 or 64, got {self.size!r}.")
        if self.factors is not None and not os.path.isfile(os.path.expanduser(self.factors)):
            raise UserError(f"--factors {self.factors} does not exist: give a CSV file, or leave it out.")
        check_value_range(None if self.value_range is None else tuple(self.value_range))

    @property
    def in_memory(self) -> bool:
        """Whether the images were given as an array."""
        return self.images.startswith(_IN_MEMORY)

    def describe_difference(self, recorded: Mapping[str, Any]) -> str:
        """The first option in which another request differs, in a few words; empty if there is none."""
        for name, here in asdict(self).items():
            here = list(here) if isinstance(here, tuple) else here  # as JSON records it
            if (there := recorded.get(name)) != here:
                return f"{name} = {there} there, {here} here"
        return ""

    def load_options(self, root: Path) -> dict[str, Any]:
        """Options of `rdl.data.load`, with absolute paths."""
        stored = {} if self.in_memory else {
            "value_range": None if self.value_range is None else tuple(self.value_range),
            "background": self.background, "images_key": self.images_key, "factors_key": self.factors_key,
        }  # fmt: skip
        return {
            "name": str(Layout(root).own_images) if self.in_memory else _make_absolute(self.images),
            "size": self.size, "channels": self.channels,
            "factors": None if self.factors is None else _make_absolute(self.factors),
            "continuous": None if self.continuous is None else tuple(self.continuous), **stored,
        }  # fmt: skip


@dataclass(frozen=True)
class MemoryImages:
    """Images that were given as an array.

    Attributes:
      pixels: uint8 [n, height, width, channels].
      notes: one sentence for each decision of their conversion.
    """

    pixels: np.ndarray
    notes: tuple[str, ...]


def make_request(images: "str | os.PathLike | np.ndarray", **options: Any) -> tuple[AutoRequest, MemoryImages | None]:
    """The request, and the converted images if they were given as an array.

    Raises:
      UserError: an invalid option, or an array that does not hold images.
    """
    if isinstance(images, (str, os.PathLike)):
        return AutoRequest(os.fspath(images), **options), None
    if given := [name for name in _OF_FILES if options.get(name) is not None]:
        raise UserError(f"{given[0]} is an option of files and folders, and the images are an array: leave it out.")
    pixels, notes = images_from_memory(images, check_value_range(options.get("value_range")))
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.data).hexdigest()
    return AutoRequest(f"{_IN_MEMORY}{digest}", **options), MemoryImages(pixels, tuple(notes))


def find_plan(request: AutoRequest, root: Path) -> Path | None:
    """The gin file of a run that was planned before; None if there is none.

    Raises:
      UserError: it was planned for another request.
    """
    paths = Layout(root)
    if not paths.plan.is_file():
        return None
    if difference := request.describe_difference(read_plan_record(paths, "request")):
        raise UserError(
            f"{root} holds the run of another command ({difference}): repeat that command to resume it, train the run "
            "further by bin/extend, or choose another --output_dir."
        )
    # An extended run has its settings in config.gin; the plan holds those of its start.
    return paths.config_text if paths.journal.is_file() else paths.plan


def read_plan_record(paths: Layout, part: str) -> dict[str, Any]:
    """A part of a run's plan.json; empty if it is missing or not an object."""
    record = files.read_json(paths.plan_record) if paths.plan_record.is_file() else None
    found = record.get(part) if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def save_images(images: MemoryImages | None, root: Path) -> None:
    """Writes images that were given as an array, and the notes on them, to the run directory."""
    if images is not None:
        arrays = {"images": images.pixels, NOTES_KEY: np.array(images.notes, dtype=str)}
        files.write_npz(Layout(root).own_images, {name: array for name, array in arrays.items() if array.size})


def inspect_request(request: AutoRequest, root: Path, images: MemoryImages | None = None) -> ImageCount:
    """Inspects the requested images quickly, so that wrong input is reported at once.

    Raises:
      UserError: no images, too few, or of several sizes; labels of other images.
    """
    if images is not None:
        count, *shape = images.pixels.shape
        found = ImageCount(count, (shape[0], shape[1], shape[2]))
    else:
        found = inspect_images(**request.load_options(root))
    if found.images < LEAST_DATA_SIZE:
        raise UserError(
            f"Finding factors needs at least {LEAST_DATA_SIZE} images, some thousands are better, got {found.images} "
            f"in {request.images}: add more."
        )
    return found


def default_run_directory(request: AutoRequest) -> Path:
    """``runs/<name of the images>``."""
    return Path("runs") / ("images" if request.in_memory else Path(os.path.abspath(request.images)).stem)


def _make_absolute(name: str) -> str:
    """The absolute path of an existing file or folder; other names, such as a data set's, are returned unchanged."""
    path = os.path.expanduser(name)
    return os.path.abspath(path) if os.path.exists(path) else name
