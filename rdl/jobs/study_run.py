"""Trains and measures many runs of a study, each in a directory of its own, by the executor that gin names."""

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
from rdl.jobs.study import Plan
from rdl.results import evaluation, result_tree
from rdl.results.finished_run import FinishedRun
from rdl.runs import Layout, files, folders
from rdl.time_left import TimeLeft, format_duration
from rdl.training.threads import configure_threads

_SECONDS_BETWEEN_TABLES = 60


class Case(Protocol):
    """One run of a study: a model of the published one, or a gin file with a seed."""

    @property
    def place(self) -> str:
        """Its folder in the study's."""
        ...

    @property
    def title(self) -> str:
        """For a person."""
        ...

    @property
    def graph(self) -> str:
        """Cases that have this in common share a traced graph, and take about as long."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """Settings that join those of training in disentanglement_lib's result tree."""
        ...

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Gives gin the run's configuration, and nothing else; files and bindings on top of its own."""
        ...


def read_plan(gin_files: Sequence[str], bindings: Sequence[str]) -> Plan:
    """The plan that gin describes.

    Raises:
      UserError: a wrong configuration.
    """
    gin.clear_config()
    read_gin(gin_files, bindings)
    return Plan()


@dataclasses.dataclass(frozen=True)
class Turn:
    """One run of the study, before and after its turn."""

    case: Case
    seconds: float = 0.0
    reason: str = ""

    @property
    def name(self) -> str:
        """For messages."""
        return f"model {self.case.place}"

    def with_failure(self, reason: str) -> "Turn":
        """The same, with why it could not be trained or measured."""
        return dataclasses.replace(self, reason=reason)


class StudyTask:
    """Trains and measures one run after another in one process.

    Runs of one method share a traced graph (its strengths are hyperparameters), which makes many small ones cheap.

    Args:
      root: a run lies in ``<root>/<its place>``.
      gin_files: on top of each case's own, such as a smaller scale.
      bindings: gin's, on top of the files.
      metrics: what to measure; None: what ``study.metrics`` says.
    """

    def __init__(
        self, root: Path, gin_files: Sequence[str], bindings: Sequence[str], metrics: Sequence[str] | None = None
    ):
        # Another process may work in another folder; runs are spread, not the members in them.
        self._root, self._metrics = root.absolute(), metrics
        self._gin_files = [str(Path(path).absolute()) for path in gin_files]
        self._bindings = [*bindings, "executor.name = 'serial'"]

    def __call__(self, turn: Turn) -> Turn:
        """The run after its turn; what was done before is skipped."""
        case, started = turn.case, time.perf_counter()
        folder = self._root / case.place
        failure = folders.failure(folder)
        try:
            self._train_and_measure(case, folder)
            failure.unlink(missing_ok=True)
        except Exception as error:  # hours of other runs must not end with one: it is told, counted and kept
            reason = (str(error) or type(error).__name__).splitlines()[0]
            told = reason if isinstance(error, UserError) else f"{type(error).__name__}: {reason} (see {failure})"
            files.write_json(failure, {"reason": told, "traceback": traceback.format_exc()})
            turn = turn.with_failure(told)
        return dataclasses.replace(turn, seconds=time.perf_counter() - started)

    def _train_and_measure(self, case: Case, folder: Path) -> None:
        case.configure(self._gin_files, self._bindings)
        plan, metrics = Plan(), _metrics(self._metrics)
        summary = experiment.experiment(str(folder))
        run = FinishedRun.open(folder)
        run.write_training_results(case.labels)
        if "final.discrete_mig" in summary:  # the true factors are known
            evaluation.evaluate(folder, metrics, plan.representations, plan.repeats, plan.metric_bindings)


def _metrics(asked: Sequence[str] | None) -> Sequence[str]:
    """What to measure: what is asked for, else what gin says.

    Raises:
      UserError: no such metric.
    """
    chosen = Plan().metrics if asked is None else asked
    names = evaluation.METRICS if list(chosen) == ["all"] else chosen
    for name in names:
        evaluation.metric_file(name)
    return names


def run(
    cases: Sequence[Case],
    root: str | Path,
    gin_files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    make_executor: Callable[[], Executor] = SerialExecutor,
    note: Callable[[str], None] = lambda line: None,
) -> Path:
    """Trains and measures what is not done yet; returns ``<root>/results.json``, all results in one table.

    Args:
      cases: the runs.
      root: a run lies in ``<root>/<its place>``.
      gin_files: on top of each case's own, such as a smaller scale.
      bindings: gin's, on top of the files.
      metrics: what to measure; None: what ``study.metrics`` says, ``["all"]``: disentanglement_lib's ten.
      make_executor: makes what trains runs, with the first one's configuration in gin.
      note: is told a line per run.

    Raises:
      UserError: a wrong configuration; at the end, runs that could not be trained or measured.
    """
    if not cases:
        raise UserError("The study selects no model: see study.datasets, study.methods and study.strengths.")
    root, failed = Path(root), []
    cases[0].configure(gin_files, bindings)
    _metrics(metrics)
    configure_threads()
    progress = StudyProgress(cases, root)
    executor = make_executor()
    try:
        written = time.monotonic()
        for turn in executor.map(StudyTask(root, gin_files, bindings, metrics), [Turn(case) for case in cases]):
            if turn.reason:
                failed.append(turn.case.place)
            note(progress.line(turn))
            if time.monotonic() - written > _SECONDS_BETWEEN_TABLES:
                write_table(root)
                written = time.monotonic()
    finally:
        executor.close()
        write_table(root)
    if failed:
        names = ", ".join(map(str, result_tree.in_order(map(Path, failed))))
        raise UserError(f"{len(failed)} of {len(cases)} models failed: {names} in {root}.")
    return folders.table(root)


class StudyProgress:
    """Progress of a study: a line for each finished run, with the remaining time estimated from runs of the same graph.

    Args:
      cases: all runs of the study.
      root: the study's folder; runs that are finished there count as no work.
    """

    def __init__(self, cases: Sequence[Case], root: Path):
        self._remaining = {case.place: case for case in cases}
        self._finished_before = {case.place for case in cases if Layout(root / case.place).summary.is_file()}
        self._number, self._time_left = len(cases), TimeLeft()
        self._seconds: dict[str, list[float]] = {}  # of trained runs, by graph

    def line(self, turn: Turn) -> str:
        """Describes a run that has just ended."""
        case = self._remaining.pop(turn.case.place)
        if case.place not in self._finished_before:
            self._seconds.setdefault(case.graph, []).append(turn.seconds)
            self._time_left.advance(turn.seconds)
        state = f"failed: {turn.reason}" if turn.reason else "done"
        done = f"[{self._number - len(self._remaining)}/{self._number}]"
        return f"{done} {turn.name}: {case.title}: {state} in {turn.seconds:.1f} s; {self._outlook()}"

    def _outlook(self) -> str:
        waiting = [case for case in self._remaining.values() if case.place not in self._finished_before]
        every = [seconds for of_graph in self._seconds.values() for seconds in of_graph]
        if not every:
            return f"{len(waiting)} to train"
        expected = sum(float(np.mean(self._seconds.get(case.graph, every))) for case in waiting)
        left = self._time_left.seconds(expected)
        return "no estimate of the time left" if left is None else f"about {format_duration(left)} left"


def write_table(root: Path) -> None:
    """Gathers the results of all runs in one table."""
    files.write_json(folders.table(root), result_tree.fuse(result_tree.aggregates(root), root))
