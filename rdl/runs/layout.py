"""The layout of a run directory: every key of its journal and every path in it.

config.json  operative.json          the configuration, and the values that were used; read by everything after
config.gin  operative.gin            the same as gin's text, for people
dataset.json                         the fingerprint of the images
plan.gin  plan.json  images.npz      of bin/disentangle: its choice, why, and images that were no file
journal.jsonl                        one line per finished unit of work, under its key; the truth for resume
STAGE/generation_002.json            the members of a generation once more
STAGE/members/generation_002/...     checkpoints of a stage's members; a stage is x_run, leaf_0/iteration_1, ..
leaf_0/labels.npz                    what a leaf run learned
leaf_0/iteration_1/indices.npy       the images that an iteration was left with
model/                               the result's model
results/summary.json                 flat keys, numbers as JSON numbers; pictures beside it
results/verdict.json                 what can be said of the model without labels
postprocessed/  metrics/             disentanglement_lib's tree of results, with model/
before/000/..                        what was set aside when the run was extended; records as in the journal
environment/000.json  000.log        each session's surroundings and warnings
tensorboard/  trials/                events
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONFIG = "config.json"
RANDOM_MEMBERS = "random_members"  # the stage of those that are trained without a search
SUMMARY = Path("results", "summary.json")


def member_name(generation: int, index: int) -> str:
    """A member's name within its stage: ``generation_002/member_005``."""
    return f"{generation_name(generation)}/member_{index:03d}"


def generation_name(generation: int) -> str:
    """``generation_002``."""
    return f"generation_{generation:03d}"


@dataclass(frozen=True)
class MemberKey:
    """A member of a stage, trained and scored."""

    stage: str
    generation: int
    index: int

    @property
    def text(self) -> str:
        """``x_run/generation_002/member_005``."""
        name = member_name(self.generation, self.index)
        return f"{self.stage}/{name}" if self.stage else name


@dataclass(frozen=True)
class OutcomeKey:
    """The end of a stage: the selected member, and why the stage ended."""

    stage: str

    @property
    def text(self) -> str:
        """``x_run/outcome``."""
        return f"{self.stage}/outcome"


@dataclass(frozen=True)
class EarlyStopKey:
    """The decision to end a stage before its planned end: after which generation, and why."""

    stage: str

    @property
    def text(self) -> str:
        """``final/early_stop``."""
        return f"{self.stage}/early_stop"


@dataclass(frozen=True)
class IterationKey:
    """What an iteration of a leaf run found."""

    leaf: int
    iteration: int

    @property
    def text(self) -> str:
        """``leaf_0/iteration_1``, which is also the name of the stage that trains for it."""
        return f"{self.leaf_name}/iteration_{self.iteration}"

    @property
    def leaf_name(self) -> str:
        """``leaf_0``."""
        return f"leaf_{self.leaf}"


@dataclass(frozen=True)
class PoolKey:
    """The labels that a stage added to the label pool."""

    stage: str

    @property
    def text(self) -> str:
        """``x_run/pool``."""
        return f"{self.stage}/pool"


@dataclass(frozen=True)
class HeldKey:
    """The labels that a leaf run holds fixed."""

    leaf: int

    @property
    def text(self) -> str:
        """``leaf_0/held``."""
        return f"leaf_{self.leaf}/held"


@dataclass(frozen=True)
class MeasureKey:
    """Scores on the true factors, of ``x_model`` or ``final``; or ``chen``, the final ones by Chen's estimator."""

    name: str

    @property
    def text(self) -> str:
        """``measure/final``."""
        return f"measure/{self.name}"


@dataclass(frozen=True)
class VerdictKey:
    """The verdict on the result's model."""

    text: str = "verdict"


@dataclass(frozen=True)
class SessionKey:
    """A start of the run that came to an end of its own."""

    number: int

    @property
    def text(self) -> str:
        """``session/000``."""
        return f"session/{self.number:03d}"


@dataclass(frozen=True)
class SummaryKey:
    """The run's end."""

    text: str = "summary"


Key = (
    MemberKey
    | OutcomeKey
    | EarlyStopKey
    | IterationKey
    | PoolKey
    | HeldKey
    | MeasureKey
    | VerdictKey
    | SessionKey
    | SummaryKey
)

_READERS: tuple[tuple[str, Callable[..., Key]], ...] = (
    # Old runs had a stage without a name.
    (
        r"(?:(.+)/)?generation_(\d{1,18})/member_(\d{1,18})",
        lambda stage, *numbers: MemberKey(stage or "", *map(int, numbers)),
    ),
    (r"(.+)/outcome", OutcomeKey),
    (r"(.+)/early_stop", EarlyStopKey),
    (r"leaf_(\d{1,18})/iteration_(\d{1,18})", lambda *numbers: IterationKey(*map(int, numbers))),
    (r"(.+)/pool", PoolKey),
    (r"leaf_(\d{1,18})/held", lambda number: HeldKey(int(number))),
    (r"measure/(.+)", MeasureKey),
    (r"verdict", VerdictKey),
    (r"session/(\d{1,18})", lambda number: SessionKey(int(number))),
    (r"summary", SummaryKey),
)


def parse(text: str) -> Key | None:
    """The key that is written so in a journal; None where it is none of a run's."""
    for pattern, key in _READERS:
        if match := re.fullmatch(pattern, text):
            return key(*match.groups())
    return None


@dataclass(frozen=True)
class Layout:
    """Where each thing lies in a run directory."""

    root: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.root / CONFIG

    @property
    def config_text(self) -> Path:
        """The configuration as gin's text."""
        return self.root / "config.gin"

    @property
    def operative(self) -> Path:
        """The values that calls were given, defaults included; written at the end of the run."""
        return self.root / "operative.json"

    @property
    def operative_text(self) -> Path:
        """The same as gin's text."""
        return self.root / "operative.gin"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.root / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Held by the process that has the run open."""
        return self.root / ".lock"

    @property
    def dataset(self) -> Path:
        """What the images are that the run was begun with."""
        return self.root / "dataset.json"

    @property
    def plan(self) -> Path:
        """The gin file that bin/disentangle wrote for the run."""
        return self.root / "plan.gin"

    @property
    def plan_record(self) -> Path:
        """What was asked of it, what it saw and chose."""
        return self.root / "plan.json"

    @property
    def own_images(self) -> Path:
        """Images that were given as arrays in memory."""
        return self.root / "images.npz"

    @property
    def before(self) -> Path:
        """Where what an extension sets aside is kept."""
        return self.root / "before"

    @property
    def model(self) -> Path:
        """The folder of the result's model."""
        return self.root / "model"

    @property
    def summary(self) -> Path:
        """The summary of a finished run."""
        return self.root / SUMMARY

    @property
    def verdict(self) -> Path:
        """The verdict on the result's model."""
        return self.result("verdict.json")

    def result(self, name: str) -> Path:
        """A file for the user, such as ``traversals.png``."""
        return self.root / "results" / name

    def generation(self, stage: str, generation: int) -> Path:
        """The records of one generation, where a reader looks for them."""
        return self.root / stage / f"{generation_name(generation)}.json"

    def checkpoint(self, stage: str, name: str) -> Path:
        """The checkpoint of the member of this name."""
        return self.root / stage / "members" / f"{name}.npz"

    def checkpoints(self, stage: str) -> dict[int, Path]:
        """The folders of checkpoints that are there, by generation; none that a link leads to, which is another's."""
        members = self.root / stage / "members"
        folders = [] if members.is_symlink() else sorted(members.glob("generation_*"))
        own = [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]
        return {int(m[1]): folder for folder in own if (m := re.fullmatch(r"generation_(\d{1,18})", folder.name))}

    def labels(self, leaf: str) -> Path:
        """What a leaf run, such as ``leaf_0``, has learned so far."""
        return self.root / leaf / "labels.npz"

    def pool(self, stage: str) -> Path:
        """The labels that a stage added to the label pool."""
        return self.root / stage / "pool.npz"

    def all_labels(self) -> dict[int, Path]:
        """What is there of what leaf runs have learned, by their numbers."""
        found = {path.parent.name.removeprefix("leaf_"): path for path in sorted(self.root.glob("leaf_*/labels.npz"))}
        return {int(number): path for number, path in found.items() if number.isdecimal()}

    def indices(self, key: IterationKey) -> Path:
        """The numbers of the images that an iteration trains on."""
        return self.root / key.text / "indices.npy"

    def postprocessed(self, representation: str) -> Path:
        """disentanglement_lib's step of this name in the tree of results, ``mean`` or ``sampled``."""
        return self.root / "postprocessed" / representation

    def metric(self, representation: str, metric: str) -> Path:
        """Its step ``evaluation`` for one metric."""
        return self.root / "metrics" / representation / metric

    def metrics(self, representation: str) -> dict[str, Path]:
        """The folders of the step that are there, by metric."""
        return {path.name: path for path in sorted(self.metric(representation, "").glob("*")) if path.is_dir()}

    def environment(self, session: int) -> Path:
        """The surroundings of a session; its warnings lie beside it, with the ending ``.log``."""
        return self.root / "environment" / f"{session:03d}.json"

    def environments(self) -> list[Path]:
        """The surroundings of all sessions."""
        return sorted((self.root / "environment").glob("*.json"))

    def events(self, *parts: str) -> Path:
        """A folder of TensorBoard's events: of the run, a stage's population or its best model."""
        return self.root.joinpath("tensorboard", *parts)

    def trials(self, *parts: str) -> Path:
        """A folder of TensorBoard's events: of all trials, a stage's, or one."""
        return self.root.joinpath("trials", *parts)


def default_output_dir(gin_files: Sequence[str]) -> Path:
    """``runs/<name of the last gin file>``."""
    return Path("runs") / (Path(gin_files[-1]).stem if gin_files else "run")
