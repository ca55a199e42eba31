"""The label pool of a run as tables: each label with its evidence, and what each leaf run held fixed and added.

The report, the model card and TensorBoard all show these rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rdl.errors import UserError
from rdl.runs import RunReader
from rdl.runs.keys import HeldFixedKey, Key, PoolKey
from rdl.runs.typed import typed
from rdl.verdict.label_pool import PooledLabel

LABEL_COLUMNS = (
    "label",
    "source",
    "KL (nats)",
    "discreteness (nats)",
    "dependence (nats)",
    "replication",
    "judge",
    "held fixed in",
)
STAGE_COLUMNS = ("stage", "images", "labels held fixed", "labels added")
EVIDENCE = (
    "Label j is the posterior mean of its source, and latent j of the final model imitates it. Discreteness: KL "
    "divergence from the smoothed histogram of the values to their histogram. Dependence: largest mutual information "
    "with another latent of the source's model. Replication: how well the second-best other model orders the images "
    "in the same way. Judge: the latent that scores the final run's members on this label."
)


@dataclass(frozen=True)
class HeldFixedRecord:
    """The journal's record of the images of a leaf run; see `rdl.recursion.hold_fixed.HeldFixedImages`."""

    images: int
    labels: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class PoolStage:
    """The part of a stage in the label pool.

    Attributes:
      name: ``x_run`` or ``leaf_0``.
      path: the stage's folder in the run directory.
      held: the images that it trains on; None for the x-run, which trains on all.
      labels: the labels that it added; None while it trains, or where it did not start.
    """

    name: str
    path: str
    held: HeldFixedRecord | None
    labels: tuple[PooledLabel, ...] | None


@dataclass(frozen=True)
class PoolTable:
    """The label pool of a run.

    Attributes:
      stages: the x-run, then the leaf runs in order.
    """

    stages: tuple[PoolStage, ...]

    @property
    def labels(self) -> tuple[PooledLabel, ...]:
        """All labels in the order in which they were found; a label's number is its place here."""
        return tuple(label for stage in self.stages for label in stage.labels or ())

    @property
    def label_rows(self) -> list[list[str]]:
        """A row for each label, under `LABEL_COLUMNS`."""
        return [
            [
                str(number),
                str(label.source),
                f"{label.kl:.2f}",
                f"{label.discreteness:.2f}",
                f"{label.dependence:.2f}",
                "–" if label.replication is None else f"{label.replication:.2f}",
                "its own source" if label.alternate is None else str(label.alternate),
                ", ".join(self._list_leaf_runs(number)) or "–",
            ]
            for number, label in enumerate(self.labels)
        ]

    def _list_leaf_runs(self, number: int) -> list[str]:
        return [stage.name for stage in self.stages if stage.held is not None and number in stage.held.labels]

    @property
    def stage_rows(self) -> list[list[str]]:
        """A row for the x-run and each leaf run, under `STAGE_COLUMNS`."""
        rows, first = [], 0
        for stage in self.stages:
            count = len(stage.labels or ())
            added = ", ".join(map(str, range(first, first + count))) or "none"
            rows.append([stage.name, *_describe_held(stage.held), added if stage.labels is not None else "–"])
            first += count
        return rows


def _describe_held(held: HeldFixedRecord | None) -> tuple[str, str]:
    if held is None:
        return "all", "none"
    if not held.labels:
        return "–", "not started: no label leaves enough images"
    ranges = [
        f"{label} in [{low:.2f}, {high:.2f}]" for label, (low, high) in zip(held.labels, held.ranges, strict=True)
    ]
    return f"{held.images:,}", "; ".join(ranges)


def check_pool_record(key: Key, record: Mapping[str, object]) -> None:
    """Checks a record of the label pool; other records pass.

    Raises:
      UserError: it is damaged.
    """
    if isinstance(key, PoolKey):
        _read_labels(record)
    elif isinstance(key, HeldFixedKey):
        _read_held(record)


def read_pool_table(reader: RunReader) -> PoolTable | None:
    """The label pool as far as the run has it; None without one, or where a record is damaged."""
    pools = {key.stage: record for key, record in reader.of_kind(PoolKey).items()}
    held = {key.leaf: record for key, record in reader.of_kind(HeldFixedKey).items()}
    if "x_run" not in pools:
        return None
    try:
        stages = [PoolStage("x_run", "x_run", None, _read_labels(pools["x_run"]))]
        for number in sorted(held):
            path = f"leaf_{number}/iteration_1"
            labels = _read_labels(pools[path]) if path in pools else None
            stages.append(PoolStage(f"leaf_{number}", path, _read_held(held[number]), labels))
    except UserError:
        return None
    return PoolTable(tuple(stages))


def _read_labels(record: Mapping[str, object]) -> tuple[PooledLabel, ...]:
    return typed(tuple[PooledLabel, ...], record.get("labels"))


def _read_held(record: Mapping[str, object]) -> HeldFixedRecord:
    held = typed(HeldFixedRecord, record)
    if len(held.labels) != len(held.ranges):
        raise UserError(f"Expected one range per label, received {len(held.ranges)} for {len(held.labels)} labels.")
    return held
