"""The job of ``bin/report``: writes the page of runs or of a study, once or whenever a record is added."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rdl.errors import UserError
from rdl.report.page import write_report
from rdl.report.run_records import read_records
from rdl.report.study_page import find_models, write_study
from rdl.results.results_table import read_results
from rdl.runs import Layout

_SECONDS = 5  # between two checks of the journals


def write_pages(roots: Sequence[str], output_dir: str | None, baselines: Sequence[str], watch: bool) -> None:
    """Writes the page; with ``watch`` again for every new record, until every run is finished.

    Raises:
      UserError: no run, baselines without results, or a folder that cannot be written.
    """
    others = read_results(baselines) if baselines else None
    if len(roots) == 1 and find_models(roots[0]):
        if watch:
            raise UserError("--watch expects a run, received a study: leave it out, or name one model of the study.")
        _write_and_print(lambda: write_study(roots[0], output_dir, others, _print))
        return
    while True:
        state = [_read_state(root) for root in roots]
        # Read before drawing: a run that ends while the page is drawn is not on the page yet.
        finished = not watch or all(read_records(root).summary is not None for root in roots)
        _write_and_print(lambda: write_report(roots, output_dir, others, live=watch, note=_print))
        if finished:
            return
        while [_read_state(root) for root in roots] == state:
            time.sleep(_SECONDS)


def _write_and_print(write_page: Callable[[], Path]) -> None:
    started = time.perf_counter()
    path = write_page()
    size, seconds = path.stat().st_size / 2**20, time.perf_counter() - started
    print(f"{path}  ({size:.1f} MB, {seconds:.0f} s)", flush=True)


def _print(text: str) -> None:
    print(f"  {text}", flush=True)


def _read_state(root: str) -> tuple[int, int]:
    """Size and time of the journal, which change with every record."""
    journal = Layout(Path(root)).journal
    return (journal.stat().st_size, journal.stat().st_mtime_ns) if journal.exists() else (0, 0)
