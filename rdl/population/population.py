"""The loop over generations: train and score all members, exploit, explore, until the search has converged.

Every trained member is a record in the run's journal. Every decision is a pure function of these records, or a record
itself. A resumed run therefore gives the same result as an uninterrupted one.
"""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rdl.errors import UserError
from rdl.execution import Executor
from rdl.population import evolution, rules
from rdl.population.checkpoints import prune_checkpoints
from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.population.settings import PopulationSettings
from rdl.runs import RunDirectory, files
from rdl.runs.keys import EarlyStopKey, OutcomeKey

Task = Callable[[Member], Member]
_NOTHING_LEFT = "nothing is left to learn: the best score is under {0.min_score}"


class PopulationCallback(Protocol):
    """The part of `rdl.callbacks.callback.Callback` that a population calls."""

    def on_member_end(self, stage: str, member: Member) -> None:
        """Called after this process has trained a member."""

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Called when all members of a generation are trained, in this process or before the run was resumed."""

    def reason_to_stop(self, stage: str, members: Sequence[Member]) -> str:
        """Returns the reason to end the stage after this generation; empty: none."""


def train_members(
    run: RunDirectory,
    stage: str,
    members: Sequence[Member],
    task: Task,
    executor: Executor,
    callback: PopulationCallback,
) -> list[Member]:
    """Trains the members that are not in the journal, and records each as soon as it is trained.

    Returns:
      All trained members, in the given order.
    """
    waiting = [member for member in members if str(member.key(stage)) not in run.journal]
    for member in executor.map(task, waiting):
        run.journal.append(str(member.key(stage)), member.to_record())
        callback.on_member_end(stage, member)
    return [Member.from_record(run.journal[str(member.key(stage))]) for member in members]


@dataclass(frozen=True)
class PopulationResult:
    """The result of a finished population.

    Attributes:
      generations: the trained members of each generation.
      reason: why the search stopped.
      low_score: whether it stopped because nothing was left to learn.
      best_of: as in `PopulationSettings`.
    """

    generations: list[list[Member]]
    reason: str
    low_score: bool = False
    best_of: str = "all"

    @property
    def best(self) -> Member:
        """The selected member: the best of all generations, or of the last one."""
        return evolution.select_best(self.generations, self.best_of)

    @property
    def independent_members(self) -> list[Member]:
        """The best member of each other lineage in the last generation, best first.

        They share no ancestor with the selected member or with each other. Members of one lineage are more alike than
        independent ones, because they descend from the same weights.
        """
        lineages = {evolution.find_founder(self.generations, self.best): self.best}
        for member in evolution.rank_members(self.generations[-1]):
            lineages.setdefault(evolution.find_founder(self.generations, member), member)
        return list(lineages.values())[1:]

    @property
    def best_scores(self) -> list[float]:
        """The best score of each generation."""
        return [_best_score(members) for members in self.generations]


class Population:
    """The population of one stage.

    Args:
      run: the open run, which holds the journal and the checkpoints.
      stage: name of the stage, such as ``x_run``: its folder, and the prefix of its journal keys.
      settings: sizes and rules.
      seed: the run's seed.
      callback: called after each member and each generation.

    Raises:
      UserError: the search space is not valid.
    """

    def __init__(
        self,
        run: RunDirectory,
        stage: str,
        settings: PopulationSettings,
        seed: int,
        callback: PopulationCallback,
    ):
        self._run, self._stage, self._settings = run, stage, settings
        self._place = (seed, stage)
        self._space = settings.search_space or SearchSpace()
        self._callback = callback

    def evolve(self, task: Task, executor: Executor) -> PopulationResult:
        """Trains generation after generation until the search ends.

        Args:
          task: trains and scores one member, and writes its checkpoint to `Layout.checkpoint`.
          executor: maps the task over members.

        Raises:
          UserError: every member of a generation failed.
        """
        settings = self._settings
        members = evolution.draw_first_generation(settings.size * settings.initial_factor, self._space, self._place)
        generations: list[list[Member]] = []
        while True:
            generations.append(self._train(task, executor, members, generations))
            low_score = settings.min_score is not None and _best_score(generations[-1]) < settings.min_score
            reason = _NOTHING_LEFT.format(settings) if low_score else self._reason_to_stop(generations)
            following = rules.next_generation(
                generations[-1],
                self._space,
                self._place,
                settings.rule,
                settings.fraction,
                settings.size,
                settings.sub_populations,
            )
            self._prune(generations)
            if reason := reason or self._early_stop(generations[-1], following):
                result = PopulationResult(generations, reason, low_score, settings.best_of)
                self._record(result)
                return result
            members = following

    def _train(self, task: Task, executor: Executor, members: list[Member], before: list[list[Member]]) -> list[Member]:
        """Trains the members of a generation; those in the journal are read from it."""
        waiting = [member for member in members if self._key(member) not in self._run.journal]
        for parent in sorted({member.parent for member in waiting if member.parent is not None}):
            self._ensure_checkpoint(task, executor, parent, before)
        trained = train_members(self._run, self._stage, members, task, executor, self._callback)
        self._write_generation(trained)
        self._callback.on_generation_end(self._stage, trained)
        return trained

    def ensure_checkpoint(self, task: Task, executor: Executor, member: Member, result: PopulationResult) -> Path:
        """Returns the path of the member's checkpoint; trains it again from its ancestors if it is lost or damaged."""
        return self._ensure_checkpoint(task, executor, member.index, result.generations[: member.generation + 1])

    def _ensure_checkpoint(
        self, task: Task, executor: Executor, index: int, generations: Sequence[list[Member]]
    ) -> Path:
        members = generations[-1]
        position, member = next((i, member) for i, member in enumerate(members) if member.index == index)
        path = self._path(member)
        if path.is_file() and files.sha256(path) == member.checksum:
            return path
        state = "is damaged" if path.exists() else "is missing"
        logging.getLogger("rdl").warning("checkpoint %s %s: training it again", path, state)
        if member.parent is not None:
            self._ensure_checkpoint(task, executor, member.parent, generations[:-1])
        fresh = dataclasses.replace(member, status="new", score=None, checksum=None, details={})
        (again,) = executor.map(task, [fresh])
        if again.checksum is None:
            raise UserError(f"The checkpoint {path} {state} and cannot be trained again: {again.reason}.")
        if again.checksum != member.checksum:
            logging.getLogger("rdl").warning(
                "checkpoint %s differs from the lost one (trained on another machine, or with other threads?)",
                path,
            )
            # Exploit has used the old record, so only the checksum changes.
            members[position] = dataclasses.replace(member, checksum=again.checksum)
            self._run.journal.append(self._key(member), members[position].to_record())
        return path

    def _key(self, member: Member) -> str:
        return str(member.key(self._stage))

    def _path(self, member: Member) -> Path:
        return self._run.paths.checkpoint(self._stage, member.name)

    def _early_stop(self, members: Sequence[Member], following: Sequence[Member]) -> str:
        """Asks the callback after each generation whether to stop, and records a decision to stop.

        A resumed run repeats a recorded decision. If the next generation has begun, the run had decided to continue.
        """
        key, journal = str(EarlyStopKey(self._stage)), self._run.journal
        if key in journal:
            record = journal[key]
            return str(record["reason"]) if record["generation"] == members[0].generation else ""
        if any(self._key(member) in journal for member in following):
            return ""
        reason = self._callback.reason_to_stop(self._stage, members)
        if reason:
            journal.append(key, {"generation": members[0].generation, "reason": reason})
        return reason

    def _reason_to_stop(self, generations: list[list[Member]]) -> str:
        settings = self._settings
        scores = [_best_score(members) for members in generations]
        if settings.until_converged and evolution.has_converged(scores, settings.window, settings.tolerance):
            return f"converged: the last {settings.window} changes of the best score are under {settings.tolerance}"
        if settings.generations is not None and len(generations) >= settings.generations:
            return f"{settings.generations} generations done"
        return ""

    def _write_generation(self, members: list[Member]) -> None:
        """Writes the generation's records to a separate JSON file, for readers."""
        path = self._run.paths.generation(self._stage, members[0].generation)
        records = [member.to_record() for member in members]
        if not path.exists() or files.read_json(path) != records:
            files.write_json(path, records)

    def _record(self, result: PopulationResult) -> None:
        """Records the selected member and the reason of the end. Only readers use this record, `evolve` does not."""
        key, record = str(OutcomeKey(self._stage)), {"best": result.best.name, "stopped": result.reason}
        if self._run.journal.get(key) != record:
            self._run.journal.append(key, record)

    def _prune(self, generations: Sequence[list[Member]]) -> None:
        """Deletes the checkpoints of all generations before the last, except that of the best member so far.

        Later members start from the last generation. The best member depends only on records, so that a resumed run
        keeps the same checkpoints.
        """
        best = evolution.select_best(generations, self._settings.best_of)
        prune_checkpoints(self._run.paths, self._stage, [best.name], before=len(generations) - 1)


def _best_score(members: Sequence[Member]) -> float:
    best = evolution.rank_members(members)
    return best[0].score if best and best[0].score is not None else float("-inf")
