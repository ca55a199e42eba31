"""The user's request for an automatic run, checked before anything takes time."""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.auto.inspection import ImageCount, inspect_images
from rdl.auto.plan import LEAST_DATA_SIZE, LONGEST
from rdl.data.user.user_arrays import images_from_memory
from rdl.errors import UserError
from rdl.runs import Layout, files

_IN_MEMORY = "in memory, sha256 "


@dataclass(frozen=True)
class AutoRequest:
    """The options of bin/disentangle; the run's plan.json keeps them, so that the same command resumes the run.

    Attributes:
      images: a folder, a file or a data set's name; for images in memory their SHA-256.
      minutes: duration of the whole command.
      factors: a CSV file of true factors, used to measure at the end.
      size: side of the images as the models see them; None: chosen by the plan.
      channels: 1 or 3; None: as the images are stored.
      seed: seed of the run.
    """

    images: str
    minutes: float = 60
    factors: str | None = None
    size: int | None = None
    channels: int | None = None
    seed: int = 0

    def __post_init__(self):
        if not (isinstance(self.minutes, (int, float)) and math.isfinite(self.minutes)) or not (
            0 < self.minutes <= LONGEST
        ):
            raise UserError(f"--minutes must be a number above 0, such as 60, got {self.minutes!r}.")
        if self.size is not None and self.size not in (16, 32, 64):
            raise UserError(f"--size must be 16, 32 or 64, got {self.size!r}.")
        if self.factors is not None and not os.path.isfile(os.path.expanduser(self.factors)):
            raise UserError(f"--factors {self.factors} does not exist: give a CSV file, or leave it out.")

    @property
    def in_memory(self) -> bool:
        """Whether the images were given as an array."""
        return self.images.startswith(_IN_MEMORY)

    def describe_difference(self, recorded: Mapping[str, Any]) -> str:
        """The first option in which another request differs, in a few words; empty if there is none."""
        for name, here in asdict(self).items():
            if (there := recorded.get(name)) != here:
                return f"{name} = {there} there, {here} here"
        return ""

    def load_options(self, root: Path) -> dict[str, Any]:
        """Options of `rdl.data.load`, with absolute paths."""
        name = str(Layout(root).own_images) if self.in_memory else _make_absolute(self.images)
        return {
            "name": name, "size": self.size, "channels": self.channels,
            "factors": None if self.factors is None else _make_absolute(self.factors),
        }  # fmt: skip


def make_request(images: "str | os.PathLike | np.ndarray", **options: Any) -> tuple[AutoRequest, np.ndarray | None]:
    """The request, and the images as uint8 if they were given as an array.

    Raises:
      UserError: an invalid option, or an array that does not hold images.
    """
    if isinstance(images, (str, os.PathLike)):
        return AutoRequest(os.fspath(images), **options), None
    array, _ = images_from_memory(images)
    digest = hashlib.sha256(repr(array.shape).encode() + array.data).hexdigest()
    return AutoRequest(f"{_IN_MEMORY}{digest}", **options), array


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
    # An extended run has settings of its own in config.gin; the plan is only where it began.
    return paths.config_text if paths.journal.is_file() else paths.plan


def read_plan_record(paths: Layout, part: str) -> dict[str, Any]:
    """A part of a run's plan.json; empty if it is missing or not an object."""
    record = files.read_json(paths.plan_record) if paths.plan_record.is_file() else None
    found = record.get(part) if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def save_images(array: np.ndarray | None, root: Path) -> None:
    """Writes images that were given as an array to the run directory."""
    if array is not None:
        files.write_npz(Layout(root).own_images, {"images": array})


def inspect_request(request: AutoRequest, root: Path, array: np.ndarray | None = None) -> ImageCount:
    """Inspects the requested images quickly, so that wrong input is reported at once.

    Raises:
      UserError: no images, too few, or of several sizes; labels of other images.
    """
    if array is not None:
        shape = array.shape if array.ndim == 4 else (*array.shape, 1)
        found = ImageCount(shape[0], (shape[1], shape[2], shape[3]))
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
