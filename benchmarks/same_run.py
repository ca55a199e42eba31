"""Compares two run directories digit by digit, for a change that must not alter results.

    python benchmarks/same_run.py RUN OTHER [weighted_kl=kl ..]

Compares the journals record by record, checksums of checkpoints included, and the summaries, without seconds. NEW=OLD
declares a renamed key. Prints the differences; exit code 1 if there are any.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rdl.runs import RunReader

Numbers = dict[str, Any]
"""Path of a value -> the value."""


def read_values(root: str, names: Mapping[str, str]) -> Numbers:
    """Returns all recorded values of a run except times."""
    reader = RunReader.open(root)
    found = {"summary": reader.summary} | {repr(key): record for key, record in reader.records.items()}
    return {place: value for place, value in _leaves("", found, names) if "seconds" not in place}


def _leaves(place: str, value: Any, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        parts = [(names.get(key, key), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(str(number), part) for number, part in enumerate(value)]
    else:
        yield place, value
        return
    for key, part in parts:
        yield from _leaves(f"{place}/{key}", part, names)


def main() -> int:
    """Prints the differences and returns the exit code."""
    one, other, *renamed = sys.argv[1:]
    names = dict(pair.split("=", 1) for pair in renamed)
    first, second = read_values(one, names), read_values(other, names)
    unlike = sorted({place for place, _ in first.items() ^ second.items()})
    for place in unlike:
        print(f"{place}: {first.get(place)} and {second.get(place)}")
    print(f"{len(first)} values, {len(unlike)} differ")
    return bool(unlike)


if __name__ == "__main__":
    sys.exit(main())
