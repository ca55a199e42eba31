"""Trains and measures many models of a study, each in a run directory of its own, by the executor that gin names."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gin

from rdl.bindings import read_gin
from rdl.errors import UserError
from rdl.evaluation import evaluation, result_tree
from rdl.evaluation.finished_run import FinishedRun
from rdl.execution import Executor, SerialExecutor
from rdl.jobs import experiment
from rdl.jobs.study import Plan, Setting
from rdl.runs import files
from rdl.training.threads import settle_threads


def read_plan(gin_files: Sequence[str], bindings: Sequence[str], metrics: Sequence[str] | None = None) -> Plan:
    """The plan that gin describes; with other metrics if given, ``["all"]`` meaning the study's ten.

    Raises:
      UserError: a wrong configuration.
    """
    gin.clear_config()
    read_gin(gin_files, bindings)
    plan = Plan()
    if metrics is not None:
        plan = dataclasses.replace(plan, metrics=evaluation.METRICS if list(metrics) == ["all"] else metrics)
    for name in plan.metrics:
        evaluation.metric_file(name)
    return plan


@dataclasses.dataclass(frozen=True)
class Model:
    """One model of the study, before and after its turn."""

    setting: Setting
    seconds: float = 0.0
    reason: str = ""

    @property
    def name(self) -> str:
        """For messages."""
        return f"model {self.setting.number}"

    def failed(self, reason: str) -> "Model":
        """The same, with why it could not be trained or measured."""
        return dataclasses.replace(self, reason=reason)


class ModelTask:
    """Trains and measures one model after another in one process.

    Models of one method share a traced graph (its strengths are hyperparameters), which makes many small ones cheap.

    Args:
      plan: what to measure.
      root: model N lies in ``<root>/N``.
      gin_files: on top of each method's own, such as a smaller scale.
      bindings: gin's, on top of the files.
    """

    def __init__(self, plan: Plan, root: Path, gin_files: Sequence[str], bindings: Sequence[str]):
        # Another process may work in another folder; a model is a population of one, with nothing in it to spread.
        self._plan, self._root = plan, root.absolute()
        self._gin_files = [str(Path(path).absolute()) for path in gin_files]
        self._bindings = [*bindings, "executor.name = 'serial'"]

    def __call__(self, model: Model) -> Model:
        """The model after its turn; what was done before is skipped."""
        setting, started = model.setting, time.perf_counter()
        configure(setting, self._gin_files, self._bindings)
        folder, plan = self._root / str(setting.number), self._plan
        try:
            experiment.experiment(str(folder))
            FinishedRun.open(folder).write_training_results({"model.model_num": str(setting.number)})
            evaluation.evaluate(folder, plan.metrics, plan.representations, plan.repeats, plan.metric_bindings)
        except UserError as error:
            model = model.failed(str(error).splitlines()[0])
        return dataclasses.replace(model, seconds=time.perf_counter() - started)


def run(
    settings: Sequence[Setting],
    plan: Plan,
    root: str | Path,
    gin_files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    make_executor: Callable[[], Executor] = SerialExecutor,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Trains and measures what is not done yet; returns ``<root>/results.json``, all results in one table.

    Args:
      settings: the models.
      plan: what to measure.
      root: model N lies in ``<root>/N``.
      gin_files: on top of each method's own, such as a smaller scale.
      bindings: gin's, on top of the files.
      make_executor: makes what trains models, with the first one's configuration in gin.
      tell: is told a line per model.

    Raises:
      UserError: a wrong configuration; at the end, models that could not be trained or measured.
    """
    if not settings:
        raise UserError("The study selects no model: see study.datasets, study.methods and study.strengths.")
    root, started, failed = Path(root), time.perf_counter(), []
    configure(settings[0], gin_files, bindings)
    settle_threads()
    executor = make_executor()
    try:
        models = executor.map(ModelTask(plan, root, gin_files, bindings), [Model(setting) for setting in settings])
        for done, model in enumerate(models, start=1):
            setting = model.setting
            if model.reason:
                failed.append(setting.number)
            left = (time.perf_counter() - started) / done * (len(settings) - done)
            tell(
                f"[{done}/{len(settings)}] {model.name}: {setting.dataset}, {setting.method} "
                f"{setting.strength:g}, seed {setting.seed}: {f'failed: {model.reason}' if model.reason else 'done'} "
                f"in {model.seconds:.1f} s; about {left / 60:.0f} min left"
            )
    finally:
        executor.close()
    path = _write_table(root)
    if failed:
        numbers = ", ".join(map(str, sorted(failed)))
        raise UserError(f"{len(failed)} of {len(settings)} models failed: {numbers} in {root}.")
    return path


def configure(setting: Setting, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
    """Gives gin one model's configuration, and nothing else."""
    gin.clear_config()
    quiet = "display.quiet = True"
    # The number's own settings come before the files, so that a smaller scale may shorten a schedule.
    read_gin([str(setting.gin_file)], [*setting.bindings(), quiet])
    with gin.unlock_config():
        read_gin(gin_files, bindings)


def _write_table(root: Path) -> Path:
    """All models' results in disentanglement_lib's aggregated form."""
    path = root / "results.json"
    files.write_json(path, result_tree.fuse(result_tree.aggregates(root), root))
    return path
