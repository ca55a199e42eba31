"""Folders of many runs: a study's, or any; what lies in them beside the runs, and where in them results are.

<root>/<file>/<seed>/              one run of a study of gin files
<root>/<file>/<seed>.failed.json   why it could not be trained or measured, until it is
<root>/<model number>/             one run of disentanglement_lib's study
<root>/results.json                all results of a study in one table
"""

from pathlib import Path

from rdl.runs.layout import CONFIG, SUMMARY, Layout

_FAILED = ".failed.json"


def begun_in(folder: Path, depth: int) -> list[Path]:
    """The runs, finished or not, that lie so many folders down."""
    return [path.parent for path in folder.glob("*/" * depth + CONFIG)]


def finished_in(folder: Path) -> list[Layout]:
    """The finished runs in a folder: itself, or its folders."""
    summaries = {*folder.glob(str(SUMMARY)), *folder.glob(str("*" / SUMMARY))}
    return [Layout(summary.parents[1]) for summary in sorted(summaries)]


def failure(run: Path) -> Path:
    """Where it is written down why a run of a study of gin files failed."""
    return run.with_name(run.name + _FAILED)


def failed_in(root: Path) -> set[Path]:
    """The runs of a study of gin files that have a failure written down, whether or not they were begun."""
    return {path.with_name(path.name.removesuffix(_FAILED)) for path in root.glob(f"*/*{_FAILED}")}


def table(root: Path) -> Path:
    """Where all results of a study lie, in disentanglement_lib's aggregated form."""
    return root / "results.json"


def metrics_in(folder: Path) -> dict[Path, Layout]:
    """The folder of every measured metric at any depth, and the run, or other result tree, that it is of."""
    return {path: Layout(path.parents[2]) for path in folder.rglob("metrics/*/*") if path.is_dir()}
