"""Lists the data sets that are present, and checks their files and caches."""

from collections.abc import Iterator
from dataclasses import dataclass

from rdl.data import cache, official
from rdl.data.load import names
from rdl.errors import UserError


@dataclass(frozen=True)
class Row:
    """A data set or a file of it.

    Attributes:
      name: of the data set.
      state: in a word or two.
      where: the path, or what is missing and where to get it.
    """

    name: str
    state: str
    where: str


def list_data_sets() -> Iterator[Row]:
    """Every data set known by name."""
    for name in names():
        files = official.files_of(name)
        dsprites = (official.DSPRITES_NPZ, official.DSPRITES_HDF5)
        found = next((path for file in dsprites if file in files and (path := file.locate())), None)
        missing = [file for file in files if file.locate() is None and file not in dsprites]
        if missing:
            state = "in part" if any(file.locate() for file in files) else "missing"
            yield Row(name, state, f"lacks {missing[0].places()[0]}; get it from {missing[0].get}")
        elif not files:
            yield Row(name, "generated", "by rdl; needs no file")
        elif found is None and dsprites[0] in files:
            yield Row(
                name, "rendered", "by rdl; 99.98 % of images as in the official file, the others differ in 1 pixel"
            )
        else:
            yield Row(name, "ready", str(found or files[0].locate()))


def check_datasets(wanted: list[str]) -> Iterator[Row]:
    """Compares every present official file with its published SHA-256, and every cache with its own.

    Args:
      wanted: data sets; if empty, all of them and the caches.

    Raises:
      UserError: an unknown data set.
    """
    if unknown := set(wanted) - set(names()):
        raise UserError(f"No data set is called '{min(unknown)}': use {', '.join(names())}.")
    checked = set()
    for name in wanted or names():
        for file in official.files_of(name):
            if file not in checked and (path := file.locate()) is not None:
                checked.add(file)
                yield Row(name, file.check(), str(path))
    for path in [] if wanted else sorted(cache.cache_folder().glob("*.npy")):
        yield Row("(cache)", "sound" if cache.is_sound(path) else "damaged: delete it", str(path))
