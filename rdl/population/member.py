"""A member of a population: a frozen record of where it comes from, what it does and how it did."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rdl.errors import UserError
from rdl.runs.layout import MemberKey, member_name
from rdl.runs.typed import typed


@dataclass(frozen=True)
class Member:
    """One member in one generation.

    Attributes:
      index: its place in the first generation, from 0; who takes over from another keeps it.
      generation: the round it trains in, from 0.
      parent: the index, in the generation before, of the member whose state it starts from; None at the start.
      hyperparameters: what it trains with, among them ``learning_rate`` and ``batch_size``.
      seed: of all its randomness in this generation; derived from its place, so a clone has its own.
      status: ``new`` before training, then ``scored`` or ``failed``.
      score: what the population maximises; None unless ``scored``.
      checksum: SHA-256 of the checkpoint written after training; None unless ``scored``.
      reason: why it failed.
      details: what else was measured: loss terms, KL per latent, the score's parts, seconds.
    """

    index: int
    generation: int
    parent: int | None
    hyperparameters: dict[str, float]
    seed: int
    status: str = "new"
    score: float | None = None
    checksum: str | None = None
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Unique within its stage and the name of its checkpoint: ``generation_002/member_005``."""
        return member_name(self.generation, self.index)

    @property
    def parent_name(self) -> str | None:
        """The name of the record it starts from."""
        if self.parent is None:
            return None
        return member_name(self.generation - 1, self.parent)

    def key(self, stage: str) -> MemberKey:
        """Under which a stage records it."""
        return MemberKey(stage, self.generation, self.index)

    @property
    def active_latents(self) -> float | None:
        """How many latents its models have in use on average, where its score tells (UDR's does)."""
        counts = self.details.get("active_latents")
        return sum(counts) / len(counts) if counts else None

    @property
    def describe_score(self) -> str:
        """``0.899 (1 active)``: UDR is 0.9 for any models of one latent that agree, so the number stands beside it."""
        if self.score is None:
            return "failed"
        active = self.active_latents
        return f"{self.score:.3f}" + (f" ({round(active, 1):g} active)" if active is not None else "")

    def scored(self, score: float, checksum: str, **details: Any) -> "Member":
        """This member after training and scoring; failed where a score or a measurement is NaN or infinite."""
        broken = [name for name, value in {"score": float(score), **details}.items() if not _finite(value)]
        if broken:
            return self.failed(f"its {broken[0]} is NaN or infinite, with {self.hyperparameters}")
        return dataclasses.replace(self, status="scored", score=float(score), checksum=checksum, details=details)

    def failed(self, reason: str, **details: Any) -> "Member":
        """This member after its training diverged."""
        return dataclasses.replace(self, status="failed", reason=reason, details=details)

    def to_record(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Member":
        """From what ``to_record`` gave.

        Raises:
          UserError: the record is of something else, or of another type somewhere.
        """
        member = typed(cls, record)
        if member.generation < 0 or member.index < 0 or (member.score is None) == (member.status == "scored"):
            raise UserError(f"{member.name[:100]} has a score only if it is scored")
        for name, kind in _DETAILS.items():
            if name in member.details:
                typed(kind, member.details[name])
        return member


_DETAILS: dict[str, Any] = {
    "per_model": list[float], "kl": list[list[float]], "measured": list[dict[str, float]], "terms": dict[str, float],
    "active_latents": list[float], "pairwise_udr": list[list[float]], "udr": list[float], "images": int,
    "seconds": float,
}  # fmt: skip


def _finite(value: Any) -> bool:
    return all(math.isfinite(number) for number in _floats(value))


def _floats(value: Any) -> Iterator[float]:
    """All floating point numbers in a nest of dicts and lists."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _floats(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _floats(part)
