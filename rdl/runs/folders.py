"""Finds runs and results in folders of many runs.

<root>/<file>/<seed>/              one run of a study of gin files
<root>/<file>/<seed>.failed.json   the reason of its failure, until it succeeds
<root>/<model number>/             one run of disentanglement_lib's study
<root>/results.json                all results of a study
"""

from pathlib import Path

from rdl.runs.layout import CONFIG, SUMMARY, Layout

_FAILED = ".failed.json"


def find_runs(folder: Path, depth: int) -> list[Path]:
    """The runs, finished or not, at a depth of this many folders below the folder."""
    return [path.parent for path in folder.glob("*/" * depth + CONFIG)]


def find_finished_runs(folder: Path) -> list[Layout]:
    """The finished runs among a folder and its immediate subfolders."""
    summaries = {*folder.glob(str(SUMMARY)), *folder.glob(str("*" / SUMMARY))}
    return [Layout(summary.parents[1]) for summary in sorted(summaries)]


def failure_file(run: Path) -> Path:
    """The file with the reason why a run of a study failed."""
    return run.with_name(run.name + _FAILED)


def find_failed_runs(root: Path) -> set[Path]:
    """The failed runs of a study of gin files, including those that never began."""
    return {path.with_name(path.name.removesuffix(_FAILED)) for path in root.glob(f"*/*{_FAILED}")}


def results_file(root: Path) -> Path:
    """The file with all results of a study, in disentanglement_lib's aggregated form."""
    return root / "results.json"


def find_metric_folders(folder: Path) -> dict[Path, Layout]:
    """The folder of each measured metric, at any depth, with the run or result tree that it belongs to."""
    return {path: Layout(path.parents[2]) for path in folder.rglob("metrics/*/*") if path.is_dir()}
