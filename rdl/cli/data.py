"""Shows which data sets are present, checks their files, and prepares them for training.

    bin/data list
    bin/data check [NAME ...]
    bin/data prepare dsprites_full
    bin/data prepare dsprites_full --gin_bindings 'dataset.values = {"orientation": 4}' 'dataset.size = 32'
    bin/data prepare --gin_file rpu_vae.gin

Official files are looked for in DISENTANGLEMENT_LIB_DATA (default: here); caches lie in RDL_CACHE (~/.cache/rdl).
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rdl.errors import UserError

if TYPE_CHECKING:
    from rdl.data import ImageSet


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("list", "check", "prepare"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="a name from the list, or (prepare) your own images")
    parser.add_argument("--gin_file", nargs="+", default=[], help="gin files that bind `dataset`")
    parser.add_argument("--gin_bindings", nargs="+", default=[], help="bindings, such as 'dataset.size = 32'")
    return parser


def main(given: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from rdl.data import inventory

    if given.command == "list":
        return _print(inventory.list_data_sets())
    if given.command == "check":
        return _print(inventory.check_datasets(given.names))
    for name in given.names or [None]:
        images = prepare_images(name, given.gin_file, given.gin_bindings)
        print(f"{images}: ready in {getattr(images.source, 'path', 'memory')}")
        for note in images.notes:
            print(f"  {note}")
    return 0


def prepare_images(name: str | None, gin_files: Sequence[str], bindings: Sequence[str]) -> "ImageSet":
    """Writes a data set to the cache, with a progress bar.

    Args:
      name: of the data set; None: bound by the gin files.
      gin_files: files whose bindings of `dataset` are read; other bindings are ignored.
      bindings: further bindings, such as "dataset.size = 32".

    Raises:
      UserError: wrong bindings, no name, or an error of `rdl.data.load`.
    """
    import gin
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from rdl import data
    from rdl.callbacks.console import PatientConsole
    from rdl.config import read_gin

    read_gin(gin_files, bindings, skip_unknown=True)
    if name is None:
        try:
            name = str(gin.query_parameter("dataset.name"))
        except ValueError:
            raise UserError("Expected the name of a data set, or a gin file that binds dataset.name.") from None
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=PatientConsole(stderr=True)) as bar:
        task = bar.add_task(str(name), total=None)
        return data.load(name, prepare=True, progress=lambda done, total: bar.update(task, completed=done, total=total))


def _print(rows: Iterable[Any]) -> int:
    """Prints a line per row; returns exit code 2 if a file is damaged or differs from the published one."""
    from rdl.callbacks.console import PatientConsole

    console, bad = PatientConsole(soft_wrap=True, highlight=False), False
    for row in rows:
        bad |= row.state.startswith(("differs", "damaged"))
        console.print(f"{row.name:<17} {row.state:<9} {row.where}", markup=False)
    return 2 if bad else 0
