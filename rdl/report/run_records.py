"""The records of a run directory as members, iterations and scores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.population import Member
from rdl.population.evolution import rank_members
from rdl.recursion import Iteration, LeafLabels
from rdl.results.pool_table import PoolTable, check_pool_record, read_pool_table
from rdl.runs import RunReader
from rdl.runs.journal import Record
from rdl.runs.keys import RANDOM_MEMBERS, IterationKey, Key, MeasureKey, MemberKey, OutcomeKey, SummaryKey
from rdl.runs.typed import typed
from rdl.verdict import Verdict


@dataclass(frozen=True)
class RunRecords:
    """The records that a run has written so far.

    Attributes:
      reader: reader of the run directory.
    """

    reader: RunReader

    @property
    def root(self) -> Path:
        """The run directory."""
        return self.reader.paths.root

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return self.root.name

    @cached_property
    def _members(self) -> dict[str, list[list[Member]]]:
        """Stage -> generations -> trained members, in order."""
        found: dict[str, dict[int, dict[int, Member]]] = {}
        for key, record in self.reader.of_kind(MemberKey).items():
            generation = found.setdefault(key.stage, {}).setdefault(key.generation, {})
            generation[key.index] = Member.from_record(record)
        return {
            stage: [[members[i] for i in sorted(members)] for _, members in sorted(generations.items())]
            for stage, generations in found.items()
        }

    @property
    def stages(self) -> dict[str, list[list[Member]]]:
        """Stage -> generations -> trained members; the stages in the order in which they began."""
        return {stage: generations for stage, generations in self._members.items() if stage != RANDOM_MEMBERS}

    @property
    def random_members(self) -> list[Member]:
        """The members trained without a search."""
        return [member for members in self._members.get(RANDOM_MEMBERS, []) for member in members]

    @cached_property
    def leaves(self) -> dict[str, list[Iteration]]:
        """Leaf run -> its iterations, in order."""
        found = self.reader.of_kind(IterationKey)
        leaves: dict[str, list[Iteration]] = {}
        for key in sorted(found, key=lambda key: (key.leaf_name, key.iteration)):
            leaves.setdefault(key.leaf_name, []).append(Iteration.from_json(found[key]))
        return leaves

    @cached_property
    def pool(self) -> PoolTable | None:
        """The label pool; None without one."""
        return read_pool_table(self.reader)

    @cached_property
    def selected(self) -> dict[str, str]:
        """Finished stage -> name of its selected member."""
        return {key.stage: record["best"] for key, record in self.reader.of_kind(OutcomeKey).items()}

    @cached_property
    def measured(self) -> dict[str, dict[str, float]]:
        """Measured model (``x_model``, ``final``) -> its scores on the true factors."""
        return {key.name: record for key, record in self.reader.of_kind(MeasureKey).items()}

    @property
    def summary(self) -> dict[str, Any] | None:
        """The summary of the run; None while it is not finished."""
        return self.reader.records.get(SummaryKey())

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict on the model; None if it is missing or damaged."""
        return Verdict.load_if_valid(self.reader.paths.verdict)

    def best(self, stage: str) -> Member | None:
        """The selected member of a stage; the best one of the last generation while the stage is not finished."""
        generations = self.stages.get(stage, [])
        named = [m for members in generations for m in members if m.name == self.selected.get(stage)]
        return next(iter(named or (rank_members(generations[-1]) if generations else [])), None)

    def labels(self, leaf: str) -> LeafLabels | None:
        """The labels of a leaf run; None if they are missing or damaged."""
        path = self.reader.paths.labels(leaf)
        try:
            return LeafLabels.load(path) if path.exists() else None
        except UserError:
            return None


def read_records(root: str | Path) -> RunRecords:
    """The records of a run directory.

    Raises:
      UserError: the folder is not a run directory.
    """
    return RunRecords(RunReader.open(root, _check_record))


def _check_record(key: Key, record: Record) -> None:
    """Checks that a record fits its key.

    Raises:
      UserError: it does not.
    """
    if isinstance(key, MemberKey):
        member = Member.from_record(record)
        if (member.generation, member.index) != (key.generation, key.index):
            raise UserError(f"Expected {key}, received {member.name}.")
    elif isinstance(key, IterationKey):
        Iteration.from_json(record)
    elif isinstance(key, OutcomeKey):
        typed(str, record.get("best"))
    elif isinstance(key, MeasureKey):
        typed(dict[str, float | str], record)  # settings such as the package of the trees are text
    else:
        check_pool_record(key, record)
