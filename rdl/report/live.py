"""The job of ``bin/report``: writes the page of runs or of a study once, or again and again while a run goes on."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rdl.errors import UserError
from rdl.report.baselines import read_baselines
from rdl.report.page import write_report
from rdl.report.reading import read_records
from rdl.report.study import models_of, write_study
from rdl.runs import Layout

_SECONDS = 5  # between two looks at the journals


def write(roots: Sequence[str], output_dir: str | None, baselines: Sequence[str], watch: bool) -> None:
    """Writes the page; with ``watch``, whenever a record has landed, until every run is finished.

    Raises:
      UserError: no run, wrong baselines, or a place where nothing can be written.
    """
    others = read_baselines(baselines)
    if len(roots) == 1 and models_of(roots[0]):
        if watch:
            raise UserError("--watch rewrites the page of a run: leave it out for a study, or name one of its models.")
        _print(lambda: write_study(roots[0], output_dir, others, _say))
        return
    while True:
        state = [_state(root) for root in roots]
        # Asked before drawing: a run that ends while the page is drawn is not on it yet.
        finished = not watch or all(read_records(root).summary is not None for root in roots)
        _print(lambda: write_report(roots, output_dir, others, live=watch, note=_say))
        if finished:
            return
        while [_state(root) for root in roots] == state:
            time.sleep(_SECONDS)


def _print(write_page: Callable[[], Path]) -> None:
    started = time.perf_counter()
    path = write_page()
    size, seconds = path.stat().st_size / 2**20, time.perf_counter() - started
    print(f"{path}  ({size:.1f} MB, {seconds:.0f} s)", flush=True)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _state(root: str) -> tuple[int, int]:
    """Changes when a record lands."""
    journal = Layout(Path(root)).journal
    return (journal.stat().st_size, journal.stat().st_mtime_ns) if journal.exists() else (0, 0)
