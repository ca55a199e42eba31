"""Results of a study of gin files over seeds: finished, failed and missing runs, and their scores.

`rdl/runs/folders.py` describes the folders of a study.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rdl.errors import UserError
from rdl.results import result_tree
from rdl.results.results_table import read_run_results
from rdl.results.summary import format_summary, summarize
from rdl.runs import Layout, folders

STUDY_METRICS = (
    "mig.discrete_mig", "dci.disentanglement", "dci.completeness", "mig_sup.mig_sup", "factor_vae_metric.eval_accuracy",
    "sap_score.SAP_score",
)  # fmt: skip
"""Metrics that the tables of a study show."""


@dataclass(frozen=True)
class StudyRun:
    """One run of a study.

    Attributes:
      file: name of the gin file, which names the method.
      seed: seed of the run.
      results: the run's table of results (`rdl.results.results_table.COLUMNS`).
      summary: the run's summary; empty until the run is finished.
      reason: why the run failed; empty unless it did.
    """

    file: str
    seed: int
    results: pd.DataFrame
    summary: Mapping[str, Any]
    reason: str = ""

    @property
    def state(self) -> str:
        """``done``, ``failed`` or ``not finished``."""
        return "failed" if self.reason else "done" if self.summary else "not finished"


def read_study(root: str | Path) -> list[StudyRun]:
    """All runs that a study of gin files has begun, by file and seed.

    Raises:
      UserError: there are none, or a file is damaged.
    """
    root = Path(root)
    begun = {run for run in folders.find_runs(root, 2) if run.name.isdecimal()}
    found = begun | {folder for folder in folders.find_failed_runs(root) if folder.name.isdecimal()}
    if not found:
        raise UserError(f"{root} holds no study of gin files: give the --output_dir of bin/study GIN_FILE --seeds=0-4.")
    return [_read_run(folder) for folder in result_tree.sort_paths(found)]


def _read_run(folder: Path) -> StudyRun:
    run, failure, file = Layout(folder), folders.failure_file(folder), folder.parent.name
    summary = result_tree.read_object(run.summary) if run.summary.is_file() else {}
    reason = str(result_tree.read_object(failure).get("reason", "unknown")) if failure.is_file() else ""
    results = read_run_results(run, file)
    return StudyRun(file, int(folder.name), results if summary else results.iloc[:0], summary, reason)


def summarize_study(runs: Sequence[StudyRun], reference: str | None = None) -> dict[tuple, pd.DataFrame]:
    """The tables of `rdl.results.summary.summarize` for `STUDY_METRICS`; failed and missing seeds are named.

    Args:
      runs: runs of the study.
      reference: the method that the others are compared with; the first file if None.
    """
    results = pd.concat([run.results for run in runs], ignore_index=True)
    shown = results[results["metric"].isin(STUDY_METRICS) & (results["representation"] == "mean")]
    if shown.empty:
        return {}
    absent: dict[str, str] = {}
    for file in dict.fromkeys(run.file for run in runs):
        failed = [run.seed for run in runs if run.file == file and run.state == "failed"]
        missing = [run.seed for run in runs if run.file == file and run.state == "not finished"]
        named = [_describe_seeds(*pair) for pair in (("failed", failed), ("missing", missing)) if pair[1]]
        absent[file] = "; ".join(named)
    return summarize(shown, reference or runs[0].file, absent)


def _describe_seeds(state: str, seeds: Sequence[int]) -> str:
    return f"{state} {len(seeds)} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def format_study(runs: Sequence[StudyRun], reference: str | None = None) -> str:
    """The tables of `summarize_study` in Markdown, then each failed run with its reason."""
    failed = [f"- {run.file}, seed {run.seed}: {run.reason}" for run in runs if run.state == "failed"]
    if failed:
        failed = [f"### {len(failed)} of {len(runs)} runs failed\n", *failed]
    return "\n".join([format_summary(summarize_study(runs, reference)), *failed]) + "\n"
