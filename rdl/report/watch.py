"""The job of ``bin/report``: writes the page once, or again and again while a run goes on."""

import time
from collections.abc import Sequence
from pathlib import Path

from rdl.report.baselines import read_baselines
from rdl.report.page import write_report
from rdl.report.reading import read

_SECONDS = 5  # between two looks at the journals


def write(roots: Sequence[str], output_dir: str | None, baselines: Sequence[str], watch: bool) -> None:
    """Writes the page; with ``watch``, whenever a record has landed, until every run is finished.

    Raises:
      UserError: no run, wrong baselines, or a place where nothing can be written.
    """
    while True:
        state = [_state(root) for root in roots]
        # Asked before drawing: a run that ends while the page is drawn is not on it yet.
        finished = not watch or all(read(root).summary is not None for root in roots)
        started = time.perf_counter()
        path = write_report(roots, output_dir, read_baselines(baselines), live=watch, note=_say)
        size, seconds = path.stat().st_size / 2**20, time.perf_counter() - started
        print(f"{path}  ({size:.1f} MB, {seconds:.0f} s)", flush=True)
        if finished:
            return
        while [_state(root) for root in roots] == state:
            time.sleep(_SECONDS)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _state(root: str) -> tuple[int, int]:
    """Changes when a record lands."""
    journal = Path(root) / "journal.jsonl"
    return (journal.stat().st_size, journal.stat().st_mtime_ns) if journal.exists() else (0, 0)
