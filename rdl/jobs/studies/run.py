"""Trains and measures the runs of a study, each in its own directory, with the executor that gin configures."""

import dataclasses
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import gin
import numpy as np

from rdl.config import read_gin
from rdl.errors import UserError
from rdl.execution import Executor, SerialExecutor
from rdl.jobs import experiment
from rdl.jobs.studies.published import StudyPlan
from rdl.results import evaluation, result_tree
from rdl.results.finished_run import FinishedRun
from rdl.runs import Layout, files, folders
from rdl.time_left import TimeLeft, format_duration
from rdl.training.threads import configure_threads

_SECONDS_BETWEEN_TABLES = 60


class StudyCase(Protocol):
    """One run of a study: a model of the published study, or a gin file with a seed."""

    @property
    def place(self) -> str:
        """Folder of the run within the study's folder."""

    @property
    def title(self) -> str:
        """Title for log lines."""

    @property
    def graph(self) -> str:
        """Cases of the same graph share a traced graph and take about equally long."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Extra training settings in disentanglement_lib's result tree."""

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Replaces gin's configuration by that of the run, with files and bindings on top."""


def read_plan(gin_files: Sequence[str], bindings: Sequence[str]) -> StudyPlan:
    """The plan that gin configures.

    Raises:
      UserError: a wrong configuration.
    """
    gin.clear_config()
    read_gin(gin_files, bindings)
    return StudyPlan()


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """The result of a run of the study; with the defaults, a run that has not begun.

    Attributes:
      case: the run.
      seconds: time of training and measuring.
      reason: why the run failed; empty unless it did.
    """

    case: StudyCase
    seconds: float = 0.0
    reason: str = ""

    @property
    def name(self) -> str:
        """``model <place>``, for log lines."""
        return f"model {self.case.place}"

    def with_failure(self, reason: str) -> "CaseResult":
        """The same run, failed for a reason."""
        return dataclasses.replace(self, reason=reason)


class StudyTask:
    """Trains and measures runs one after another in one process.

    Runs of one method share a traced graph, since strengths are hyperparameters; this makes many small runs cheap.

    Args:
      root: folder of the study; each run is in ``<root>/<place>``.
      gin_files: gin files on top of each case's own, such as a smaller scale.
      bindings: gin bindings on top of the files.
      metrics: metrics to measure; None: those of ``study.metrics``.
    """

    def __init__(
        self, root: Path, gin_files: Sequence[str], bindings: Sequence[str], metrics: Sequence[str] | None = None
    ):
        # Absolute, as a worker process may have another working directory. Runs are distributed, members are not.
        self._root, self._metrics = root.absolute(), metrics
        self._gin_files = [str(Path(path).absolute()) for path in gin_files]
        self._bindings = [*bindings, "executor.name = 'serial'"]

    def __call__(self, pending: CaseResult) -> CaseResult:
        """Trains and measures a run; finished work is skipped."""
        case, reason, started = pending.case, "", time.perf_counter()
        folder = self._root / case.place
        failure = folders.failure_file(folder)
        try:
            self._train_and_measure(case, folder)
            failure.unlink(missing_ok=True)
        except Exception as error:  # a failed run must not end the others: it is recorded and reported
            reason = (str(error) or type(error).__name__).splitlines()[0]
            if not isinstance(error, UserError):
                reason = f"{type(error).__name__}: {reason} (see {failure})"
            files.write_json(failure, {"reason": reason, "traceback": traceback.format_exc()})
        return CaseResult(case, time.perf_counter() - started, reason)

    def _train_and_measure(self, case: StudyCase, folder: Path) -> None:
        case.configure(self._gin_files, self._bindings)
        plan, metrics = StudyPlan(), _resolve_metrics(self._metrics)
        summary = experiment.experiment(str(folder))
        run = FinishedRun.open(folder)
        run.write_training_results(case.labels)
        if "final.discrete_mig" in summary:  # the factors are known
            evaluation.evaluate_run(folder, metrics, plan.representations, plan.repeats, plan.metric_bindings)


def _resolve_metrics(metrics: Sequence[str] | None) -> Sequence[str]:
    """The metrics to measure; those of ``study.metrics`` if None.

    Raises:
      UserError: an unknown metric.
    """
    chosen = StudyPlan().metrics if metrics is None else metrics
    names = evaluation.METRICS if list(chosen) == ["all"] else chosen
    for name in names:
        evaluation.find_metric_file(name)
    return names


def run_study(
    cases: Sequence[StudyCase],
    root: str | Path,
    gin_files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    make_executor: Callable[[], Executor] = SerialExecutor,
    log: Callable[[str], None] = lambda line: None,
) -> Path:
    """Trains and measures the unfinished runs of a study.

    Args:
      cases: the runs.
      root: folder of the study; each run is in ``<root>/<place>``.
      gin_files: gin files on top of each case's own, such as a smaller scale.
      bindings: gin bindings on top of the files.
      metrics: metrics to measure; None: those of ``study.metrics``, ``["all"]``: disentanglement_lib's ten.
      make_executor: makes the executor of the runs, while gin holds the first run's configuration.
      log: receives a line per run.

    Returns:
      ``<root>/results.json``, the results of all runs in disentanglement_lib's aggregated form.

    Raises:
      UserError: a wrong configuration; at the end, runs that could not be trained or measured.
    """
    if not cases:
        raise UserError("The study selects no model: change study.datasets, study.methods or study.strengths.")
    root, failed = Path(root), []
    cases[0].configure(gin_files, bindings)
    _resolve_metrics(metrics)
    configure_threads()
    progress, task = StudyProgress(cases, root), StudyTask(root, gin_files, bindings, metrics)
    executor = make_executor()
    try:
        written = time.monotonic()
        for result in executor.map(task, [CaseResult(case) for case in cases]):
            if result.reason:
                failed.append(result.case.place)
            log(progress.describe_result(result))
            if time.monotonic() - written > _SECONDS_BETWEEN_TABLES:
                write_results(root)
                written = time.monotonic()
    finally:
        executor.close()
        write_results(root)
    if failed:
        names = ", ".join(map(str, result_tree.sort_paths(map(Path, failed))))
        raise UserError(f"{len(failed)} of {len(cases)} models failed: {names} in {root}.")
    return folders.results_file(root)


class StudyProgress:
    """Progress of a study: a line for each finished run, with the remaining time estimated from runs of the same graph.

    Args:
      cases: all runs of the study.
      root: the study's folder. Runs that are finished there need no time.
    """

    def __init__(self, cases: Sequence[StudyCase], root: Path):
        self._remaining = {case.place: case for case in cases}
        self._finished_before = {case.place for case in cases if Layout(root / case.place).summary.is_file()}
        self._number, self._time_left = len(cases), TimeLeft()
        self._seconds: dict[str, list[float]] = {}  # of trained runs, by graph

    def describe_result(self, result: CaseResult) -> str:
        """A line about a run that has just ended, with the remaining time of the study."""
        case = self._remaining.pop(result.case.place)
        if case.place not in self._finished_before:
            self._seconds.setdefault(case.graph, []).append(result.seconds)
            self._time_left.advance(result.seconds)
        state = f"failed: {result.reason}" if result.reason else "done"
        done = f"[{self._number - len(self._remaining)}/{self._number}]"
        return f"{done} {result.name}: {case.title}: {state} in {result.seconds:.1f} s; {self._describe_remaining()}"

    def _describe_remaining(self) -> str:
        waiting = [case for case in self._remaining.values() if case.place not in self._finished_before]
        every = [each for seconds in self._seconds.values() for each in seconds]
        if not every:
            return f"{len(waiting)} to train"
        expected = sum(float(np.mean(self._seconds.get(case.graph, every))) for case in waiting)
        left = self._time_left.seconds(expected)
        return "no estimate of the time left" if left is None else f"about {format_duration(left)} left"


def write_results(root: Path) -> None:
    """Writes the results of all runs into one file in disentanglement_lib's aggregated form."""
    files.write_json(folders.results_file(root), result_tree.join_aggregates(result_tree.find_aggregates(root), root))
