"""A run directory as a reader finds it, finished or not; nothing in it is changed or locked."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdl import bindings
from rdl.errors import UserError
from rdl.population import Member
from rdl.population.evolution import ranked
from rdl.recursion import Iteration, LeafLabels
from rdl.runs import files
from rdl.runs.journal import parse_line
from rdl.runs.typed import typed

_MEMBER = re.compile(r"(?:(.+)/)?generation_(\d+)/member_(\d+)$")
_OUTCOME = re.compile(r"(.+)/outcome$")
_ITERATION = re.compile(r"(leaf_\d+)/iteration_(\d+)$")


@dataclass
class Session:
    """One start of the run: its surroundings, the warnings it raised, how long it took (None: it was killed)."""

    environment: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float | None = None


@dataclass
class Records:
    """All that a run has written down so far.

    Attributes:
      root: the run directory.
      config, operative: gin's text of what was asked and of what was used (empty until the run's end).
      stages: for each stage the trained members of every generation, best known order: as they were finished.
      leaves: for each leaf run its iterations, in order.
      handed_over: the name of the member that each finished stage handed over; older runs did not say.
      measured: scores on the true factors under the measured model's name (``x_model``, ``final``).
      random_members: the members trained without a search.
      sessions: its starts.
      summary: None while it is not finished.
      damaged: how many lines of the journal could not be read.
      age: seconds since the last record.
    """

    root: Path
    config: str
    operative: str
    stages: dict[str, list[list[Member]]]
    leaves: dict[str, list[Iteration]]
    handed_over: dict[str, str]
    measured: dict[str, dict[str, float]]
    random_members: list[Member]
    sessions: list[Session]
    summary: dict[str, Any] | None
    damaged: int
    age: float

    @property
    def name(self) -> str:
        """The run's folder."""
        return self.root.name

    @property
    def settings(self) -> dict[str, str]:
        """gin's bindings, ``scope/name.parameter`` -> value as text; of what was used where that is known."""
        return bindings.of_text(self.operative or self.config)

    def best(self, stage: str) -> Member | None:
        """The member that the stage handed over; the last generation's best where that is not on record (yet)."""
        generations = self.stages.get(stage, [])
        named = [m for members in generations for m in members if m.name == self.handed_over.get(stage)]
        return next(iter(named or (ranked(generations[-1]) if generations else [])), None)

    def labels(self, leaf: str) -> LeafLabels | None:
        """The labels of a leaf run, or None where they are not there (yet) or damaged."""
        path = self.root / leaf / "labels.npz"
        try:
            return LeafLabels.load(path) if path.exists() else None
        except UserError:
            return None


def read(root: str | Path) -> Records:
    """Reads a run directory.

    Raises:
      UserError: it is no run directory, or one of a run that has not finished any unit of work.
    """
    root = Path(root).absolute()
    if not (root / "config.gin").is_file():
        raise UserError(f"{root} is not a run directory (no config.gin): give the --output_dir of a bin/train.")
    journal = root / "journal.jsonl"
    with files.explained(journal, "read"):
        content = journal.read_bytes() if journal.exists() else b""
    stages: dict[str, dict[int, dict[int, Member]]] = {}
    leaves: dict[str, dict[int, Iteration]] = {}
    records = Records(
        root, _text(root / "config.gin"), _text(root / "operative.gin"), {}, {}, {}, {}, [], [], None, 0, 0.0
    )
    seconds = []
    for line in content.splitlines(keepends=True):
        entry = parse_line(line)
        if entry is None:
            records.damaged += line.endswith(b"\n")  # without its end the last line is being written right now
            continue
        key, record = entry["key"], entry["record"]
        try:
            known = _known(key, record)
        except ValueError:  # of the right checksum, but none that a run writes
            records.damaged += 1
            continue
        if match := _MEMBER.match(key):
            stage, member = match[1] or "", known
            stages.setdefault(stage, {}).setdefault(member.generation, {})[member.index] = member
        elif match := _ITERATION.match(key):
            leaves.setdefault(match[1], {})[int(match[2])] = known
        elif match := _OUTCOME.match(key):
            records.handed_over[match[1]] = record["best"]
        elif key.startswith("measure/"):
            records.measured[key.removeprefix("measure/")] = record
        elif key.startswith("session/"):
            seconds.append(known)
        elif key == "summary":
            records.summary = record
    random = stages.pop("random_members", {})
    records.random_members = [random[g][i] for g in sorted(random) for i in sorted(random[g])]
    records.stages = {
        stage: [[members[i] for i in sorted(members)] for _, members in sorted(generations.items())]
        for stage, generations in stages.items()
    }
    records.leaves = {leaf: [found[i] for i in sorted(found)] for leaf, found in sorted(leaves.items())}
    records.sessions = _sessions(root, seconds)
    records.age = max(0.0, time.time() - journal.stat().st_mtime) if journal.exists() else 0.0
    return records


def _known(key: str, record: dict[str, Any]) -> Any:
    """The record as what its key says it is.

    Raises:
      ValueError: it is something else.
    """
    if match := _MEMBER.match(key):
        member = Member.from_record(record)
        if (member.generation, member.index) != (int(match[2]), int(match[3])):
            raise ValueError(f"{key} is {member.name}")
        return member
    if _ITERATION.match(key):
        return Iteration.from_json(record)
    if key.startswith("measure/"):
        return typed(dict[str, float], record)
    if key.startswith("session/"):
        return typed(float, record.get("seconds"))
    return record


def _sessions(root: Path, seconds: list[float]) -> list[Session]:
    """Sessions by their files; the journal's durations belong to the last ones (a killed session has none)."""
    sessions = []
    for path in sorted((root / "environment").glob("*.json")):
        content = files.read_json(path)
        session = Session(content if isinstance(content, dict) else {})
        log = path.with_suffix(".log")
        session.warnings = _text(log).splitlines() if log.exists() else []
        sessions.append(session)
    if len(seconds) >= len(sessions):
        sessions = [Session() for _ in range(len(seconds) - len(sessions))] + sessions
        for session, value in zip(sessions, seconds, strict=True):
            session.seconds = value
    return sessions


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
