"""Which finished work of a run stays valid when its settings change, and which has to be trained again."""

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gin

from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.jobs.rpu_vae import MIN_UDR, rpu_vae
from rdl.jobs.search import search
from rdl.population import PopulationSettings
from rdl.recursion import Stop, iterate
from rdl.runs.archive import RESULTS
from rdl.runs.journal import Record
from rdl.runs.keys import (
    RANDOM_MEMBERS,
    EarlyStopKey,
    HeldFixedKey,
    IterationKey,
    Key,
    MeasureKey,
    MemberKey,
    OutcomeKey,
    PoolKey,
    SessionKey,
)
from rdl.runs.run import decides

STAGES = {inspect.unwrap(rpu_vae): ("x_run", "leaf_run", "final"), inspect.unwrap(search): ("population",)}
_AGAIN = ("images", "min_images", "size", "models", "initial_factor")  # more of these is another population
_LONGER = ("generations", "until_converged", "window", "tolerance", "min_score")
_JOBS = ("rpu_vae.leaf_runs", "rpu_vae.total_images", "iterate.max_iterations")
_CAN = (
    "population.generations, window and until_converged = False; tolerance and min_score, lowered; of rpu_vae, "
    "leaf_runs, total_images, iterate.max_iterations, and of leaf_run and final the population's size and images"
)


@dataclass(frozen=True)
class Settings:
    """The settings of a run that an extension may change, and all that decide its results.

    Attributes:
      job: the job's function.
      counts: the bindings that decide the results, by name.
      stages: the population settings of each scope.
      numbers: the values of the job's settings, such as ``rpu_vae.leaf_runs``.
    """

    job: Callable[..., Any]
    counts: Mapping[str, str]
    stages: Mapping[str, PopulationSettings]
    numbers: Mapping[str, int | None]

    @classmethod
    def from_gin(cls) -> "Settings":
        """Reads the settings from gin's present configuration.

        Raises:
          UserError: runs of this job cannot be extended.
        """
        config = RunConfig.from_gin()
        job = inspect.unwrap(gin.query_parameter("experiment.job").configurable.wrapped)
        if job not in STAGES:
            raise UserError(f"A run of {job.__name__} cannot be extended, only one of rpu_vae or search: train anew.")
        stages = {}
        for scope in STAGES[job]:
            with gin.config_scope(scope):
                stages[scope] = PopulationSettings()
        functions = {"rpu_vae": rpu_vae, "iterate": iterate}
        numbers = {}
        for name in _JOBS:
            function, _, parameter = name.partition(".")
            default = inspect.signature(functions[function]).parameters[parameter].default
            numbers[name] = config.value(name, default)
        counts = {key: value for key, value in config.texts().items() if decides(key)}
        return cls(job, counts, stages, numbers)


@dataclass(frozen=True)
class Retraining:
    """The work that an extension trains again; everything else stays valid.

    Attributes:
      leaves: the iteration of each leaf run from which on populations are trained again; None: all stay.
      found: the iteration from which on labels are read again; None: all stay.
      deeper: whether leaf runs that ended at their largest number of iterations are continued.
      final: whether the final run is trained again.
      x_model: whether the x-model may change.
    """

    leaves: int | None = None
    found: int | None = None
    deeper: bool = False
    final: bool = False
    x_model: bool = False

    def keeps(self, key: Key, record: Record) -> bool:
        """Whether a record of the journal stays valid."""
        if isinstance(key, SessionKey):
            return True
        if isinstance(key, MeasureKey):
            return key.name == "x_model" and not self.x_model
        if isinstance(key, IterationKey):
            again = self.found is not None and key.iteration >= self.found
            return not again and not (self.deeper and record["stop"] == Stop.MAX_ITERATIONS.value)
        if isinstance(key, EarlyStopKey):  # a stage that goes on must not stop where an earlier session ran out of time
            return not self.x_model if key.stage == "x_run" else key.stage.startswith("leaf_") and self.leaves is None
        if isinstance(key, PoolKey) and key.stage == "x_run":
            return not self.x_model
        if isinstance(key, HeldFixedKey):  # a later leaf run also holds labels that earlier ones have found
            return not self.x_model and (self.leaves is None or key.leaf == 0)
        return isinstance(key, (MemberKey, OutcomeKey, PoolKey)) and not self._again(key.stage)

    def _again(self, stage: str) -> bool:
        leaf = re.fullmatch(r"leaf_\d+/iteration_(\d+)", stage)
        if leaf:
            return self.leaves is not None and int(leaf[1]) >= self.leaves
        return stage == RANDOM_MEMBERS or (stage == "final" and self.final)

    def folders(self, stages: Mapping[str, object]) -> list[str]:
        """The folders to archive: those of the stages that are trained again, and the results."""
        again = [stage for stage in stages if self._again(stage)]
        return [*RESULTS, *(f"{place}{stage}" for stage in again for place in ("", "tensorboard/", "trials/"))]

    def describe(self, stages: Mapping[str, object]) -> str:
        """The names of the stages that are trained again."""
        return ", ".join(stage for stage in stages if self._again(stage))


def plan_retraining(old: Settings, new: Settings) -> Retraining | None:
    """Compares two settings of a run; None if they are equal.

    Raises:
      UserError: the change leaves nothing of the run valid, or is no extension; the message names it.
    """
    changed = [key for key in {**old.counts, **new.counts} if old.counts.get(key) != new.counts.get(key)]
    for key in changed:
        scope, _, name = key.rpartition("/")
        field = name.removeprefix("population.")
        allowed = name in _JOBS or (name.startswith("population.") and field in (*_AGAIN, *_LONGER))
        if not allowed or scope.count("/"):
            there, here = old.counts.get(key, "not set"), new.counts.get(key, "not set")
            raise UserError(f"{key} cannot be changed by extending ({there} there, {here} here); what can: {_CAN}.")
    if not changed:
        return None
    kinds = {scope: _compared(scope, old.stages[scope], new.stages[scope]) for scope in new.stages}
    begins = STAGES[new.job][0]
    if kinds[begins] == "again":
        raise UserError(
            f"More images or members of {begins} would leave nothing of the run valid: train a new run in another "
            "--output_dir, or give more generations."
        )
    more = {name: _more(name, old.numbers[name], new.numbers[name]) for name in _JOBS}
    if begins != "x_run":
        return Retraining()
    x_longer, leaves = kinds["x_run"] == "longer", kinds["leaf_run"]
    deeper = more["iterate.max_iterations"]
    # With a label pool the images of a leaf run follow from the labels of the earlier ones.
    pooled = "population" in new.counts.get("rpu_vae.labels", "")
    return Retraining(
        # A longer x-run may find other labels, so everything after it is trained again.
        leaves=1 if x_longer or leaves == "again" or (leaves and pooled) else 2 if leaves == "longer" else None,
        found=0 if x_longer else 1 if leaves else None,
        deeper=deeper,
        final=x_longer or bool(leaves) or deeper or more["rpu_vae.leaf_runs"] or kinds["final"] == "again",
        x_model=x_longer,
    )


def _compared(scope: str, old: PopulationSettings, new: PopulationSettings) -> str:
    """Compares a stage's settings: ``again``, ``longer`` or an empty string."""
    found = ""
    for field in _LONGER:
        there, here = _ends(scope, field, old), _ends(scope, field, new)
        if here < there:
            _refuse(f"{scope}/population.{field}", getattr(old, field), getattr(new, field))
        found = "longer" if here > there else found
    for field in _AGAIN:
        there, here = getattr(old, field), getattr(new, field)
        if there != here:
            if there is None or here is None or here < there:
                _refuse(f"{scope}/population.{field}", there, here)
            found = "again"
    return found


def _ends(scope: str, field: str, settings: PopulationSettings) -> float:
    """A number that is larger the later a population ends by this setting."""
    value = getattr(settings, field)
    if field == "min_score":
        return -((MIN_UDR if scope in ("x_run", "leaf_run") else -math.inf) if value is None else value)
    if field == "generations":
        return math.inf if value is None else value
    return {"until_converged": not value, "window": value, "tolerance": -value}[field]


def _more(name: str, there: int | None, here: int | None) -> bool:
    if there == here:
        return False
    if here is None or (there is not None and here < there) or (name == "rpu_vae.total_images" and there is None):
        _refuse(name, there, here)
    return True


def _refuse(name: str, there: object, here: object) -> None:
    raise UserError(f"{name} = {here} is less than the run has ({there}): extending can only increase it.")
