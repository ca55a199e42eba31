"""A member of a population: a frozen record of its origin, its hyperparameters and its score."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rdl.errors import UserError
from rdl.runs.keys import MemberKey, member_name
from rdl.runs.typed import typed


@dataclass(frozen=True)
class Member:
    """One member in one generation.

    Attributes:
      index: the member's slot in the population, from 0. A clone of another member keeps its own slot.
      generation: number of the generation, from 0.
      parent: index, in the previous generation, of the member whose state this one starts from; None in the first.
      hyperparameters: training hyperparameters, including ``learning_rate`` and ``batch_size``.
      seed: seed of all randomness in this generation, derived from slot and generation, so that a clone has its own.
      status: ``new`` before training, then ``scored`` or ``failed``.
      score: the value that the population maximises; None unless ``scored``.
      checksum: SHA-256 of the checkpoint written after training; None unless ``scored``.
      reason: why training failed.
      details: further measurements: loss terms, KL per latent, parts of the score, seconds.
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
        """Name of the member within its stage, and of its checkpoint: ``generation_002/member_005``."""
        return member_name(self.generation, self.index)

    @property
    def parent_name(self) -> str | None:
        """Name of the parent; None in the first generation."""
        if self.parent is None:
            return None
        return member_name(self.generation - 1, self.parent)

    def key(self, stage: str) -> MemberKey:
        """Key of the member's record in the journal."""
        return MemberKey(stage, self.generation, self.index)

    @property
    def active_latents(self) -> float | None:
        """Mean number of active latents over the member's models; None if the score does not count them (UDR does)."""
        counts = self.details.get("active_latents")
        return sum(counts) / len(counts) if counts else None

    @property
    def describe_score(self) -> str:
        """The score and the number of active latents, such as ``0.899 (1 active)``.

        UDR is about 0.9 for any models that agree, even if they have only one active latent, hence the number.
        """
        if self.score is None:
            return "failed"
        active = self.active_latents
        return f"{self.score:.3f}" + (f" ({round(active, 1):g} active)" if active is not None else "")

    def with_score(self, score: float, checksum: str, **details: Any) -> "Member":
        """Returns the trained member; a failed one if the score or any measurement is NaN or infinite."""
        broken = [name for name, value in {"score": float(score), **details}.items() if not _finite(value)]
        if broken:
            return self.with_failure(f"its {broken[0]} is NaN or infinite, with {self.hyperparameters}")
        return dataclasses.replace(self, status="scored", score=float(score), checksum=checksum, details=details)

    def with_failure(self, reason: str, **details: Any) -> "Member":
        """Returns the failed member, for instance after its training diverged."""
        return dataclasses.replace(self, status="failed", reason=reason, details=details)

    def to_record(self) -> dict[str, Any]:
        """The member as a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Member":
        """Reads the JSON object that `to_record` writes.

        Raises:
          UserError: a field is missing or has the wrong type.
        """
        member = typed(cls, record)
        if member.generation < 0 or member.index < 0 or (member.score is None) == (member.status == "scored"):
            raise UserError(f"{member.name[:100]} must have a score if, and only if, its status is 'scored'")
        for name, kind in _DETAILS.items():
            if name in member.details:
                typed(kind, member.details[name])
        return member


_DETAILS: dict[str, Any] = {
    "per_model": list[float], "kl": list[list[float]], "measured": list[dict[str, float]], "terms": dict[str, float],
    "active_latents": list[float], "pairwise_udr": list[list[float]], "udr": list[float], "images": int,
    "seconds": float, "held_out_loss": list[float],
}  # fmt: skip


def _finite(value: Any) -> bool:
    return all(math.isfinite(number) for number in _floats(value))


def _floats(value: Any) -> Iterator[float]:
    """All floating point numbers in nested dicts and lists."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _floats(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _floats(part)
