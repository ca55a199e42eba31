"""What bin/data does: shows the data sets, their files and their caches, and makes them ready."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gin
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rdl.config import read_gin
from rdl.data import cache, official
from rdl.data.images import ImageSet
from rdl.data.load import load, names
from rdl.errors import UserError


@dataclass(frozen=True)
class Row:
    """A data set, what state it is in, and where it is read from or what it lacks."""

    name: str
    state: str  # in a word or two
    where: str


def rows() -> Iterator[Row]:
    """Every data set known by name."""
    for name in names():
        files = official.of(name)
        dsprites = (official.DSPRITES_NPZ, official.DSPRITES_HDF5)
        found = next((path for file in dsprites if file in files and (path := file.locate())), None)
        missing = [file for file in files if file.locate() is None and file not in dsprites]
        if missing:
            state = "in part" if any(file.locate() for file in files) else "missing"
            yield Row(name, state, f"lacks {missing[0].places()[0]}; get it from {missing[0].get}")
        elif not files:
            yield Row(name, "made", "by rdl; needs no file")
        elif found is None and dsprites[0] in files:
            yield Row(name, "rendered", "drawn by rdl; 99.98 % of images as in the official file, the rest 1 pixel off")
        else:
            yield Row(name, "ready", str(found or files[0].locate()))


def checks(wanted: list[str]) -> Iterator[Row]:
    """Every official file that is there against its published SHA-256, and every cache against its own.

    Args:
      wanted: data sets; all of them, and the caches, where none is named.

    Raises:
      UserError: an unknown data set.
    """
    if unknown := set(wanted) - set(names()):
        raise UserError(f"No data set is called '{min(unknown)}': use {', '.join(names())}.")
    seen = set()
    for name in wanted or names():
        for file in official.of(name):
            if file not in seen and (path := file.locate()) is not None:
                seen.add(file)
                yield Row(name, file.check(), str(path))
    for path in [] if wanted else sorted(cache.folder().glob("*.npy")):
        yield Row("(cache)", "sound" if cache.is_sound(path) else "damaged: delete it", str(path))


def prepare(name: str | None, gin_files: Sequence[str], bindings: Sequence[str]) -> ImageSet:
    """Makes a data set ready to train on, with a progress bar.

    Args:
      name: the data set; None where the gin files say it.
      gin_files: files whose bindings of `dataset` count; others in them are ignored.
      bindings: further bindings, such as "dataset.size = 32".

    Raises:
      UserError: wrong bindings, no name, or anything that `load` refuses.
    """
    read_gin(gin_files, bindings, skip_unknown=True)
    if name is None:
        try:
            name = str(gin.query_parameter("dataset.name"))
        except ValueError:
            raise UserError("Expected the name of a data set, or a gin file that binds dataset.name.") from None
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(str(name), total=None)
        return load(name, prepare=True, progress=lambda done, total: bar.update(task, completed=done, total=total))
