"""Shows which data sets are present, checks their files, and makes them ready to train on.

    bin/data list
    bin/data check [NAME ...]
    bin/data prepare dsprites_full
    bin/data prepare dsprites_full --gin_bindings 'dataset.values = {"orientation": 4}' 'dataset.size = 32'
    bin/data prepare --gin_file rpu_vae.gin

Official files are looked for in DISENTANGLEMENT_LIB_DATA (default: here); caches lie in RDL_CACHE (~/.cache/rdl).
"""

import argparse
from collections.abc import Iterable
from typing import Any


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("list", "check", "prepare"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="a name from the list, or (prepare) one's own images")
    parser.add_argument("--gin_file", nargs="+", default=[], help="gin files that bind `dataset`")
    parser.add_argument("--gin_bindings", nargs="+", default=[], help="bindings, such as 'dataset.size = 32'")
    return parser


def main(given: argparse.Namespace) -> int:
    """Flags -> one call."""
    from rdl.data import inventory

    if given.command == "list":
        return _show(inventory.rows())
    if given.command == "check":
        return _show(inventory.checks(given.names))
    for name in given.names or [None]:
        images = inventory.prepare(name, given.gin_file, given.gin_bindings)
        print(f"{images}: ready in {getattr(images.source, 'path', 'memory')}")
    return 0


def _show(rows: Iterable[Any]) -> int:
    """A line for each; exit code 2 where one is not what was published or written."""
    from rich.console import Console

    console, bad = Console(soft_wrap=True, highlight=False), False
    for row in rows:
        bad |= row.state.startswith(("differs", "damaged"))
        console.print(f"{row.name:<17} {row.state:<9} {row.where}", markup=False)
    return 2 if bad else 0
