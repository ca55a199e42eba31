"""What a person asks for, held to what can be asked before anything takes time."""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.auto.inspection import Look, look
from rdl.auto.plan import FEWEST_IMAGES, LONGEST
from rdl.data.formats.decode import check_range, check_shape, to_bytes
from rdl.errors import UserError
from rdl.runs import Layout, files

_IN_MEMORY = "in memory, sha256 "


@dataclass(frozen=True)
class Request:
    """What is asked for; a run's plan keeps it, so that the same command goes on.

    Attributes:
      images: a folder, a file or a name; for images in memory their SHA-256.
      minutes: for the whole.
      factors: a CSV file, to measure at the end.
      size: of the images, in place of the size chosen.
      channels: 1 or 3, in place of the images' own.
      seed: of the run.
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
        """Whether the images were no file."""
        return self.images.startswith(_IN_MEMORY)

    def differs(self, before: Mapping[str, Any]) -> str:
        """What another command asked for otherwise, in a few words; empty where it is the same."""
        for name, here in asdict(self).items():
            if (there := before.get(name)) != here:
                return f"{name} = {there} there, {here} here"
        return ""

    def dataset(self, root: Path) -> dict[str, Any]:
        """Options of `rdl.data.load`, by absolute paths so that they hold from any folder."""
        name = str(Layout(root).own_images) if self.in_memory else _absolute(self.images)
        return {
            "name": name, "size": self.size, "channels": self.channels,
            "factors": None if self.factors is None else _absolute(self.factors),
        }  # fmt: skip


def of(images: "str | os.PathLike | np.ndarray", **asked: Any) -> tuple[Request, np.ndarray | None]:
    """The request, and the images where they are in memory, as uint8.

    Raises:
      UserError: something that cannot be asked for, or an array that is no images.
    """
    if isinstance(images, (str, os.PathLike)):
        return Request(os.fspath(images), **asked), None
    what, array = "the images", np.asarray(images)
    check_shape(array.shape, what)
    array = np.ascontiguousarray(to_bytes(array, what))
    check_range(array, what)
    digest = hashlib.sha256(repr(array.shape).encode() + array.data).hexdigest()
    return Request(f"{_IN_MEMORY}{digest}", **asked), array


def written(request: Request, root: Path) -> Path | None:
    """The gin file of a run that was planned before; None where there is none.

    Raises:
      UserError: it was planned for another command.
    """
    paths = Layout(root)
    if not paths.plan.is_file():
        return None
    if difference := request.differs(from_plan(paths, "request")):
        raise UserError(
            f"{root} holds the run of another command ({difference}): repeat it to go on, train the run further by "
            "bin/extend, or choose another --output_dir."
        )
    # Once units are done, what counts is what was asked for last: an extension asks for more than the plan.
    return paths.config if paths.journal.is_file() else paths.plan


def from_plan(paths: Layout, part: str) -> dict[str, Any]:
    """A part of what a run's plan.json says; empty where it is missing or says something else."""
    record = files.read_json(paths.plan_record) if paths.plan_record.is_file() else None
    found = record.get(part) if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def keep(array: np.ndarray | None, root: Path) -> None:
    """Writes images that are in memory into the run."""
    if array is not None:
        files.write_npz(Layout(root).own_images, {"images": array})


def seen(request: Request, root: Path, array: np.ndarray | None = None) -> Look:
    """A first look, by which wrong input is told before anything takes time.

    Raises:
      UserError: no images, too few of them, or of several sizes; labels of other images.
    """
    if array is not None:
        shape = array.shape if array.ndim == 4 else (*array.shape, 1)
        found = Look(shape[0], (shape[1], shape[2], shape[3]))
    else:
        found = look(**request.dataset(root))
    if found.images < FEWEST_IMAGES:
        raise UserError(
            f"Finding factors needs at least {FEWEST_IMAGES} images, some thousands are better, got {found.images} in "
            f"{request.images}: add more."
        )
    return found


def default_output_dir(request: Request) -> Path:
    """``runs/<name of the images>``."""
    return Path("runs") / ("images" if request.in_memory else Path(os.path.abspath(request.images)).stem)


def _absolute(name: str) -> str:
    """A path's full name; a name that is no path stays."""
    path = os.path.expanduser(name)
    return os.path.abspath(path) if os.path.exists(path) else name
