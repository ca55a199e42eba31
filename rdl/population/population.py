"""The generation loop: train and score all members, exploit, explore, until the search has converged.

Every finished member is a unit of the run's journal, and everything between two units is a pure function of
the journal's records, so a run that was stopped goes on as if it had not been.
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
from rdl.population.checkpoints import keep_only
from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.population.settings import PopulationSettings
from rdl.runs import Run, files
from rdl.runs.layout import OutcomeKey

Task = Callable[[Member], Member]
_NOTHING_LEFT = "nothing is left to learn: the best score is under {0.min_score}"


class PopulationCallback(Protocol):
    """What a population tells of itself to who watches; `rdl.callbacks` has those who do."""

    def on_member_end(self, stage: str, member: Member) -> None:
        """A member was trained now."""
        ...

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """All members of a generation are trained, now or before the run was resumed."""
        ...


def train_members(
    run: Run, stage: str, members: Sequence[Member], task: Task, executor: Executor, callback: PopulationCallback
) -> list[Member]:
    """The members, trained: those in the journal as they stand there, the others now, each recorded when it is done."""
    waiting = [member for member in members if member.key(stage).text not in run.journal]
    for member in executor.map(task, waiting):
        run.journal.append(member.key(stage).text, member.to_record())
        callback.on_member_end(stage, member)
    return [Member.from_record(run.journal[member.key(stage).text]) for member in members]


@dataclass(frozen=True)
class Outcome:
    """A finished population.

    Attributes:
      generations: the members of every generation, trained.
      reason: why it stopped.
      low_score: it stopped because nothing was left to learn.
      best_of: as in ``PopulationSettings``.
    """

    generations: list[list[Member]]
    reason: str
    low_score: bool = False
    best_of: str = "all"

    @property
    def best(self) -> Member:
        """The member that is handed over: the best of all generations, or of the last."""
        return evolution.selected(self.generations, self.best_of)

    @property
    def trained_apart(self) -> list[Member]:
        """Members of the last generation that share no ancestor with the best one, nor with each other: the best of
        each line, best first. Weights that were once the same agree on more than the images.
        """
        found = {evolution.founder(self.generations, self.best): self.best}
        for member in evolution.ranked(self.generations[-1]):
            found.setdefault(evolution.founder(self.generations, member), member)
        return list(found.values())[1:]

    @property
    def best_scores(self) -> list[float]:
        """The best score of every generation."""
        return [_best_score(members) for members in self.generations]


class Population:
    """Members of one stage, moved on generation by generation.

    Args:
      run: where units are recorded and checkpoints lie.
      stage: the stage's folder and the head of its journal keys, such as ``x_run``.
      settings: sizes and rules.
      seed: the run's seed.
      callback: is told of members and generations.

    Raises:
      UserError: the search space does not fit a population.
    """

    def __init__(
        self,
        run: Run,
        stage: str,
        settings: PopulationSettings,
        seed: int,
        callback: PopulationCallback,
    ):
        self._run, self._stage, self._settings = run, stage, settings
        self._place = (seed, stage)
        self._space = settings.search_space or SearchSpace()
        self._callback = callback

    def evolve(self, task: Task, executor: Executor) -> Outcome:
        """Runs until converged, or for the number of generations asked for.

        Args:
          task: trains and scores one member, and writes its checkpoint where `Layout.checkpoint` says.
          executor: runs the task over members.

        Raises:
          UserError: every member of a generation failed.
        """
        settings = self._settings
        members = evolution.first_generation(settings.size * settings.initial_factor, self._space, self._place)
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
            if reason:
                outcome = Outcome(generations, reason, low_score, settings.best_of)
                self._record(outcome)
                return outcome
            members = following

    def _train(self, task: Task, executor: Executor, members: list[Member], before: list[list[Member]]) -> list[Member]:
        """The generation's members, trained: those in the journal as they stand there, the others now."""
        waiting = [member for member in members if self._key(member) not in self._run.journal]
        for parent in sorted({member.parent for member in waiting if member.parent is not None}):
            self._ensure_checkpoint(task, executor, parent, before)
        trained = train_members(self._run, self._stage, members, task, executor, self._callback)
        self._write_generation(trained)
        self._callback.on_generation_end(self._stage, trained)
        return trained

    def ensure_checkpoint(self, task: Task, executor: Executor, member: Member, outcome: Outcome) -> Path:
        """The member's checkpoint, made again from its ancestors where it is lost or damaged."""
        return self._ensure_checkpoint(task, executor, member.index, outcome.generations[: member.generation + 1])

    def _ensure_checkpoint(
        self, task: Task, executor: Executor, index: int, generations: Sequence[list[Member]]
    ) -> Path:
        members = generations[-1]
        position, member = next((i, member) for i, member in enumerate(members) if member.index == index)
        path = self._path(member)
        if path.is_file() and files.sha256(path) == member.checksum:
            return path
        what = "is damaged" if path.exists() else "is missing"
        logging.getLogger("rdl").warning("checkpoint %s %s: making it again", path, what)
        if member.parent is not None:
            self._ensure_checkpoint(task, executor, member.parent, generations[:-1])
        fresh = dataclasses.replace(member, status="new", score=None, checksum=None, details={})
        (again,) = executor.map(task, [fresh])
        if again.checksum is None:
            raise UserError(f"The checkpoint {path} {what} and cannot be made again: {again.reason}.")
        if again.checksum != member.checksum:
            logging.getLogger("rdl").warning(
                "checkpoint %s came out otherwise than before (another machine, or another number of threads?)",
                path,
            )
            # Exploit was decided on the old record, so that all of it stands but the checksum.
            members[position] = dataclasses.replace(member, checksum=again.checksum)
            self._run.journal.append(self._key(member), members[position].to_record())
        return path

    def _key(self, member: Member) -> str:
        return member.key(self._stage).text

    def _path(self, member: Member) -> Path:
        return self._run.paths.checkpoint(self._stage, member.name)

    def _reason_to_stop(self, generations: list[list[Member]]) -> str:
        settings = self._settings
        scores = [_best_score(members) for members in generations]
        if settings.until_converged and evolution.converged(scores, settings.window, settings.tolerance):
            return f"converged: the last {settings.window} changes of the best score are under {settings.tolerance}"
        if settings.generations is not None and len(generations) >= settings.generations:
            return f"{settings.generations} generations done"
        return ""

    def _write_generation(self, members: list[Member]) -> None:
        """The generation's records once more, where a reader looks for them."""
        path = self._run.paths.generation(self._stage, members[0].generation)
        records = [member.to_record() for member in members]
        if not path.exists() or files.read_json(path) != records:
            files.write_json(path, records)

    def _record(self, outcome: Outcome) -> None:
        """Which member is handed over and why the search ended, for readers: the members' records decide it alone."""
        key, record = OutcomeKey(self._stage).text, {"best": outcome.best.name, "stopped": outcome.reason}
        if self._run.journal.get(key) != record:
            self._run.journal.append(key, record)

    def _prune(self, generations: Sequence[list[Member]]) -> None:
        """Removes the checkpoints that neither a member to come starts from nor the end will ask for.

        Of the generations before the last that is all but the best member so far, a function of the records alone,
        so that a run that was stopped keeps the same.
        """
        best = evolution.selected(generations, self._settings.best_of)
        keep_only(self._run.paths, self._stage, [best.name], before=len(generations) - 1)


def _best_score(members: Sequence[Member]) -> float:
    best = evolution.ranked(members)
    return best[0].score if best and best[0].score is not None else float("-inf")
