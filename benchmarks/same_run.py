"""Whether two run directories hold the same numbers, digit by digit: for a change that is to change none.

    python docs/same_run.py RUN OTHER [weighted_kl=kl ..]

Compares the journals record by record, checksums of checkpoints among them, and the summaries; seconds are left out.
NEW=OLD says that a name has changed from one commit to the other. Prints what differs; exit code 1 where anything does.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rdl.runs import RunReader

Numbers = dict[str, Any]
"""Where a number, text or flag lies -> it."""


def numbers(root: str, names: Mapping[str, str]) -> Numbers:
    """All that a run has written down, but how long it took."""
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
    """Compares; returns the exit code."""
    one, other, *renamed = sys.argv[1:]
    names = dict(pair.split("=", 1) for pair in renamed)
    first, second = numbers(one, names), numbers(other, names)
    unlike = sorted({place for place, _ in first.items() ^ second.items()})
    for place in unlike:
        print(f"{place}: {first.get(place)} and {second.get(place)}")
    print(f"{len(first)} values, {len(unlike)} differ")
    return bool(unlike)


if __name__ == "__main__":
    sys.exit(main())
