"""A study of gin files over seeds as a reader finds it: which runs are done, which failed, and what they scored.

Where they lie is in `rdl/runs/folders.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.results import result_tree, statistics
from rdl.results.statistics import Estimate
from rdl.runs import Layout, folders
from rdl.scoring.names import METRICS

_SHOWN = ("discrete_mig", "disentanglement", "completeness", "mig_sup", "factor_vae_metric.eval_accuracy")
SCORES = {**{key: METRICS[key] for key in _SHOWN}, "sap_score.SAP_score": METRICS["SAP_score"]}
"""What a study's table shows, and how it is called there."""
# A recursion measures more models than its last; a summary's key starts with which.
_PARTS = {"final.": "", "x_model.": ": x-model", "first_generation.median_": ": random members, median"}
_SAME_NAMES = {f"{metric}.{key}": key for metric, key in (
    ("mig", "discrete_mig"), ("dci", "disentanglement"), ("dci", "completeness"),
)}  # fmt: skip


@dataclass(frozen=True)
class StudyRun:
    """One run of a study.

    Attributes:
      file: stands for the method.
      seed: of the run.
      scores: by method (the file's name, and what the run measured besides its final model) the scores that it has.
      summary: the run's; empty while it is not finished.
      reason: why it failed; empty where it did not.
    """

    file: str
    seed: int
    scores: Mapping[str, Mapping[str, float]]
    summary: Mapping[str, Any]
    reason: str = ""

    @property
    def state(self) -> str:
        """``done``, ``failed`` or ``not finished``."""
        return "failed" if self.reason else "done" if self.summary else "not finished"


def read(root: str | Path) -> list[StudyRun]:
    """All runs that a study of gin files has begun, by file and seed.

    Raises:
      UserError: there are none, or a damaged file.
    """
    root = Path(root)
    begun = {run for run in folders.begun_in(root, 2) if run.name.isdecimal()}
    found = begun | {folder for folder in folders.failed_in(root) if folder.name.isdecimal()}
    if not found:
        raise UserError(f"{root} holds no study of gin files: give the --output_dir of bin/study GIN_FILE --seeds=0-4.")
    return [_read(folder) for folder in result_tree.in_order(found)]


def _read(folder: Path) -> StudyRun:
    path, failure = Layout(folder).summary, folders.failure(folder)
    summary = result_tree.read_object(path) if path.is_file() else {}
    reason = str(result_tree.read_object(failure).get("reason", "unknown")) if failure.is_file() else ""
    file = folder.parent.name
    scores = {f"{file}{title}": found for part, title in _PARTS.items() if (found := _of_summary(summary, part))}
    if summary:
        scores.setdefault(file, {})
        scores[file] |= _of_trees(folder)  # measured at disentanglement_lib's sizes: those go before the summary's
    return StudyRun(file, int(folder.name), scores, summary, reason)


def _of_summary(summary: Mapping[str, Any], part: str) -> dict[str, float]:
    found = {key.removeprefix(part): value for key, value in summary.items() if key.startswith(part)}
    return {key: number for key in SCORES if (number := result_tree.number(found.get(key))) is not None}


def _of_trees(folder: Path) -> dict[str, float]:
    """What bin/evaluate measured on the means of the final model."""
    scores = {}
    for metric, step in Layout(folder).metrics("mean").items():
        path = result_tree.aggregate_path(step, "evaluation")
        for name, value in (result_tree.read_object(path) if path.is_file() else {}).items():
            key = f"{metric}.{name.removeprefix('evaluation_results.')}"
            key = _SAME_NAMES.get(key, key)
            number = result_tree.number(value)
            if name.startswith("evaluation_results.") and key in SCORES and number is not None:
                scores[key] = number
    return scores


@dataclass(frozen=True)
class Line:
    """One method's values of one score.

    Attributes:
      method: as in ``StudyRun.scores``.
      values: by seed, those that have the score.
      failed: seeds that failed and have none.
      missing: seeds that are not finished, or were not measured.
    """

    method: str
    values: Mapping[int, float]
    failed: tuple[int, ...]
    missing: tuple[int, ...]


def lines(runs: Sequence[StudyRun], score: str) -> list[Line]:
    """A line for every method that has the score; runs without it are named, not dropped."""
    found = []
    for file in dict.fromkeys(run.file for run in runs):
        own = [run for run in runs if run.file == file]
        for method in dict.fromkeys([file, *(method for run in own for method in run.scores)]):
            values = {r.seed: r.scores[method][score] for r in own if score in r.scores.get(method, {})}
            failed = tuple(r.seed for r in own if r.reason and r.seed not in values)
            missing = tuple(r.seed for r in own if not r.reason and r.seed not in values)
            if values or method == file:
                found.append(Line(method, values, failed, missing))
    return found if any(line.values for line in found) else []


def table(runs: Sequence[StudyRun], score: str, ours: str | None = None) -> list[list[str]]:
    """Rows for one score: method, runs, mean [t interval], interquartile mean [bootstrap], deviation, worst, best, P.

    Args:
      runs: of the study.
      score: a key of `SCORES`.
      ours: the method that the others are set beside: the last column is its probability to beat them; None: the
        first one's.

    Returns:
      A head, then a row a method; nothing where no run has the score.
    """
    found = lines(runs, score)
    if not found:
        return []
    ours = found[0].method if ours is None else ours
    found.sort(key=lambda line: line.method != ours)  # the reference first, the others in their order
    reference = next((list(line.values.values()) for line in found if line.method == ours), [])
    head = ["method", "runs", "mean [95 %]", "interquartile mean [95 %]", "std", "worst", "best", f"P({ours} better)"]
    return [head, *(_row(line, reference, line.method == ours) for line in found)]


def _row(line: Line, reference: Sequence[float], is_reference: bool) -> list[str]:
    values = list(line.values.values())
    count = "; ".join(
        [str(len(values))]
        + [f"{what} {_numbers(seeds)}" for what, seeds in (("failed", line.failed), ("missing", line.missing)) if seeds]
    )
    if not values:
        return [line.method, count, *["–"] * 6]
    spread = f"{statistics.deviation(values):.3f}" if len(values) > 1 else "–"
    better: Estimate | str = "–"
    if reference and not is_reference:
        better = statistics.probability_of_improvement(reference, values)
    return [
        line.method, count, str(statistics.mean(values)), str(statistics.interquartile_mean(values)), spread,
        f"{min(values):.3f}", f"{max(values):.3f}", str(better),
    ]  # fmt: skip


def _numbers(seeds: Sequence[int]) -> str:
    return f"{len(seeds)} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def markdown(runs: Sequence[StudyRun], ours: str | None = None) -> str:
    """All scores' tables, and every failed run with its reason."""
    blocks = []
    for score, title in SCORES.items():
        if rows := table(runs, score, ours):
            head, *others = rows
            rule = ["---", *["---:"] * (len(head) - 1)]
            text = "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *others])
            blocks.append(f"### {title}\n\n{text}")
    failed = [f"- {run.file}, seed {run.seed}: {run.reason}" for run in runs if run.reason]
    if failed:
        blocks.append("\n".join([f"### {len(failed)} of {len(runs)} runs failed", "", *failed]))
    return "\n\n".join(blocks) + "\n"
