"""Compares the settings of a run and of its extension: which finished work stays valid, and which is trained again."""

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.jobs.rpu_vae import MIN_UDR, rpu_vae
from rdl.jobs.stage import STAGE_SCOPES, population_settings
from rdl.population import PopulationSettings
from rdl.recursion import Stop, iterate
from rdl.runs import keys
from rdl.runs.archive import RESULTS
from rdl.runs.journal import Record
from rdl.runs.run import decides

_JOBS = ("rpu_vae", "search")
_RESTART = ("images", "min_images", "size", "models", "initial_factor")
_PROLONG = ("generations", "until_converged", "window", "tolerance", "min_score")
_NUMBERS = {"rpu_vae.leaf_runs": rpu_vae, "rpu_vae.total_images": rpu_vae, "iterate.max_iterations": iterate}
_CHANGEABLE = (
    "population.generations, window and until_converged = False; tolerance and min_score, lowered; of rpu_vae, "
    "leaf_runs, total_images, iterate.max_iterations, and of leaf_run and final the population's size and images"
)


class _Change(IntEnum):
    """The effect of a change on a population."""

    NONE = 0
    PROLONG = 1  # its generations stay valid, and more follow
    RESTART = 2


@dataclass(frozen=True)
class Settings:
    """The settings that decide the results of a run.

    Attributes:
      job: name of the job.
      bindings: gin's texts of all bindings that decide the results.
      stages: the population settings of each scope.
      numbers: the values of `_NUMBERS`.
    """

    job: str
    bindings: Mapping[str, str]
    stages: Mapping[str, PopulationSettings]
    numbers: Mapping[str, int | None]

    @classmethod
    def from_gin(cls) -> "Settings":
        """Reads the settings from gin's present configuration.

        Raises:
          UserError: runs of this job cannot be extended.
        """
        config = RunConfig.from_gin()
        job = config.name("experiment.job")
        if job not in _JOBS:
            raise UserError(f"A run of {job} cannot be extended, only one of rpu_vae or search: train a new run.")
        numbers = {
            name: config.value(name, inspect.signature(function).parameters[name.partition(".")[2]].default)
            for name, function in _NUMBERS.items()
        }
        bindings = {key: text for key, text in config.texts().items() if decides(key)}
        return cls(job, bindings, {scope: population_settings(scope) for scope in STAGE_SCOPES[job]}, numbers)

    @property
    def last_stage(self) -> str:
        """The scope of the last stage."""
        return STAGE_SCOPES[self.job][-1]


@dataclass(frozen=True)
class Retraining:
    """The work that an extension does again. All other work stays valid.

    Attributes:
      populations_from: leaf runs train their populations again from this iteration on; None: not at all.
      labels_from: leaf runs compute their labels again from this iteration on; None: not at all.
      deeper: whether leaf runs that ended at their largest number of iterations are continued.
      final: whether the final run is trained again.
    """

    populations_from: int | None = None
    labels_from: int | None = None
    deeper: bool = False
    final: bool = False

    def keeps(self, key: keys.Key, record: Record) -> bool:
        """Whether a record of the journal stays valid."""
        same_x_model = self.labels_from != 0
        match key:
            case keys.SessionKey():
                return True
            case keys.MeasureKey():
                return key.name == "x_model" and same_x_model
            case keys.IterationKey():
                again = self.labels_from is not None and key.iteration >= self.labels_from
                return not again and not (self.deeper and record["stop"] == Stop.MAX_ITERATIONS.value)
            case keys.PoolKey("x_run") | keys.EarlyStopKey("x_run"):
                return same_x_model
            case keys.EarlyStopKey():  # a prolonged stage must not stop where an earlier session ran out of time
                return key.stage.startswith("leaf_") and self.populations_from is None
            case keys.HeldFixedKey():  # later leaf runs also hold labels of earlier ones fixed
                return same_x_model and (self.populations_from is None or key.leaf == 0)
            case keys.MemberKey() | keys.OutcomeKey() | keys.PoolKey():
                return not self._retrains(key.stage)
            case _:
                return False

    def retrained(self, stages: Iterable[str]) -> list[str]:
        """The stages that are trained again."""
        return [stage for stage in stages if self._retrains(stage)]

    def _retrains(self, stage: str) -> bool:
        if isinstance(key := keys.parse(stage), keys.IterationKey):
            return self.populations_from is not None and key.iteration >= self.populations_from
        return stage == keys.RANDOM_MEMBERS or (stage == "final" and self.final)

    def folders(self, stages: Iterable[str]) -> list[str]:
        """The folders to archive: those of the stages that are trained again, and the results."""
        again = self.retrained(stages)
        return [*RESULTS, *(f"{parent}{stage}" for stage in again for parent in ("", "tensorboard/", "trials/"))]


def plan_retraining(old: Settings, new: Settings) -> Retraining | None:
    """Compares two settings of a run; returns None if they are equal.

    Raises:
      UserError: the change is no extension, or no work of the run would stay valid.
    """
    if old.bindings == new.bindings:
        return None
    for key in sorted({*old.bindings, *new.bindings}):
        if (there := old.bindings.get(key)) != (here := new.bindings.get(key)):
            _check_changeable(key, there, here)
    changes = {scope: _compare(scope, old.stages[scope], new.stages[scope]) for scope in new.stages}
    first = STAGE_SCOPES[new.job][0]
    if changes[first] is _Change.RESTART:
        raise UserError(
            f"With more images or members of {first} no work of the run stays valid: train a new run in another "
            "--output_dir, or give more generations."
        )
    more = {name: _is_more(name, old.numbers[name], new.numbers[name]) for name in _NUMBERS}
    if new.job != "rpu_vae":
        return Retraining()
    x_run, leaf_runs, deeper = changes["x_run"], changes["leaf_run"], more["iterate.max_iterations"]
    # With a label pool, the images of a leaf run depend on the labels of earlier leaf runs.
    pooled = "population" in new.bindings.get("rpu_vae.labels", "")
    if x_run or leaf_runs is _Change.RESTART or (leaf_runs and pooled):
        populations_from: int | None = 1  # a longer x-run may find other labels, on which all later stages depend
    else:
        populations_from = 2 if leaf_runs else None
    return Retraining(
        populations_from=populations_from,
        labels_from=0 if x_run else 1 if leaf_runs else None,
        deeper=deeper,
        final=bool(x_run or leaf_runs) or deeper or more["rpu_vae.leaf_runs"] or changes["final"] is _Change.RESTART,
    )


def _check_changeable(key: str, there: str | None, here: str | None) -> None:
    """Refuses bindings that an extension cannot change."""
    scope, _, name = key.rpartition("/")
    population = name.startswith("population.") and name.removeprefix("population.") in (*_RESTART, *_PROLONG)
    if "/" in scope or not (name in _NUMBERS or population):
        before, after = ("not set" if text is None else text for text in (there, here))
        raise UserError(
            f"{key} cannot be changed by extending ({before} there, {after} here): change only {_CHANGEABLE}."
        )


def _compare(scope: str, old: PopulationSettings, new: PopulationSettings) -> _Change:
    """The effect of changed settings on the population of a scope."""
    change = _Change.NONE
    for field in _PROLONG:
        there, here = _end(scope, field, old), _end(scope, field, new)
        if here < there:
            _refuse(f"{scope}/population.{field}", getattr(old, field), getattr(new, field))
        change = _Change.PROLONG if here > there else change
    for field in _RESTART:
        there, here = getattr(old, field), getattr(new, field)
        if there != here:
            if there is None or here is None or here < there:
                _refuse(f"{scope}/population.{field}", there, here)
            change = _Change.RESTART
    return change


def _end(scope: str, field: str, settings: PopulationSettings) -> float:
    """A number that grows with the number of generations that a setting allows."""
    value = getattr(settings, field)
    if field == "min_score":
        return -((MIN_UDR if scope in ("x_run", "leaf_run") else -math.inf) if value is None else value)
    if field == "generations":
        return math.inf if value is None else value
    return {"until_converged": not value, "window": value, "tolerance": -value}[field]


def _is_more(name: str, there: int | None, here: int | None) -> bool:
    """Whether a number was increased; a decrease is refused."""
    if there == here:
        return False
    if here is None or (there is not None and here < there) or (name == "rpu_vae.total_images" and there is None):
        _refuse(name, there, here)
    return True


def _refuse(name: str, there: object, here: object) -> None:
    raise UserError(f"{name} = {here} is less than the run has ({there}): give a larger value.")
