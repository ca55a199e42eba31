"""Trains and measures many models of a study, one after another in this process, each in a run directory of its own."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gin

from rdl.bindings import read_gin
from rdl.errors import UserError
from rdl.experiments import evaluation, experiment
from rdl.experiments.finished_run import FinishedRun
from rdl.experiments.member_task import trainer_for
from rdl.experiments.study import Plan, Setting
from rdl.runs import files, result_tree
from rdl.training.threads import settle_threads


def read_plan(gin_files: Sequence[str], bindings: Sequence[str], metrics: Sequence[str] | None = None) -> Plan:
    """The plan that gin describes; with other metrics if given, ``["all"]`` meaning the study's ten.

    Raises:
      UserError: a wrong configuration.
    """
    gin.clear_config()
    read_gin(gin_files, bindings)
    plan = Plan()
    if metrics is None:
        return plan
    return dataclasses.replace(plan, metrics=evaluation.METRICS if list(metrics) == ["all"] else metrics)


def run(
    settings: Sequence[Setting],
    plan: Plan,
    root: str | Path,
    gin_files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Trains and measures what is not done yet; returns ``<root>/results.json``, all results in one table.

    The models of one method share a traced graph, which is what makes many small ones cheap.

    Args:
      settings: the models.
      plan: what to measure.
      root: model N lies in ``<root>/N``.
      gin_files: on top of each method's own, such as a smaller scale.
      bindings: gin's, on top of the files.
      tell: is told a line per model.

    Raises:
      UserError: a wrong configuration; at the end, models that could not be trained or measured.
    """
    root = Path(root)
    started, traced, failed = time.perf_counter(), "", []
    for done, setting in enumerate(settings):
        if setting.method != traced:  # the graph holds the method, and all its strengths are hyperparameters
            trainer_for.cache_clear()
            traced = setting.method
        _configure(setting, gin_files, bindings)
        if done == 0:
            settle_threads()
        folder, before = root / str(setting.number), time.perf_counter()
        try:
            experiment.experiment(str(folder))
            _record(setting, folder)
            evaluation.evaluate(folder, plan.metrics, plan.representations, plan.repeats, plan.metric_bindings)
            outcome = "done"
        except UserError as error:
            outcome = f"failed: {str(error).splitlines()[0]}"
            failed.append(setting.number)
        now = time.perf_counter()
        left = (now - started) / (done + 1) * (len(settings) - done - 1)
        tell(
            f"[{done + 1}/{len(settings)}] model {setting.number}: {setting.dataset}, {setting.method} "
            f"{setting.strength:g}, seed {setting.seed}: {outcome} in {now - before:.1f} s; "
            f"about {left / 60:.0f} min left"
        )
    path = _write_table(root)
    if failed:
        raise UserError(f"{len(failed)} of {len(settings)} models failed: {', '.join(map(str, failed))} in {root}.")
    return path


def _configure(setting: Setting, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
    gin.clear_config()
    quiet = "display.quiet = True"
    # The number's own settings come before the files, so that a smaller scale may shorten a schedule.
    read_gin([str(setting.gin_file)], [*setting.bindings(), quiet])
    with gin.unlock_config():
        read_gin(gin_files, bindings)


def _record(setting: Setting, folder: Path) -> None:
    FinishedRun.open(folder).write_training_results({"model.model_num": str(setting.number)})


def _write_table(root: Path) -> Path:
    """All models' results in disentanglement_lib's aggregated form."""
    paths = sorted(root.glob("*/metrics/*/*/results/aggregate/evaluation.json"))
    path = root / "results.json"
    files.write_json(path, result_tree.fuse(paths, root))
    return path
