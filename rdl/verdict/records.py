"""The verdict as records that go to JSON and back: a status for each latent, and what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.typed import typed

DISCRETE = 0.05
"""Nats of discreteness from which on the values of a latent lie on plateaus."""
VERDICT = "verdict."
"""Prefix of the verdict's keys in a summary."""
_ENOUGH = 0.9
"""From this share of the KL on, the headline does not comment on the rest."""


class LatentStatus(StrEnum):
    """The verdict on a latent."""

    SUPPORTED = "supported"
    UNCERTAIN = "uncertain"
    ENTANGLED = "entangled"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class LatentVerdict:
    """The verdict on one latent and its evidence.

    Attributes:
      latent: its number.
      status: the verdict.
      kl, replication, explained, discreteness, dependence: as in `LatentEvidence`.
      entangled_with: the latent with which it shares its factors, where it is entangled and there is one.
      repeats: the supported latent of higher KL that carries the same factor.
    """

    latent: int
    status: LatentStatus
    kl: float
    replication: float | None = None
    explained: float | None = None
    discreteness: float = 0.0
    dependence: float = 0.0
    entangled_with: int | None = None
    repeats: int | None = None

    @property
    def sentence(self) -> str:
        """The verdict in a line of at most 78 columns."""
        return f"z{self.latent} is {self.description} ({self.reasons})"

    @property
    def description(self) -> str:
        """``supported``, ``entangled with z4``, .."""
        mixed = "" if self.entangled_with is None else f" with z{self.entangled_with}"
        again = "" if self.repeats is None else f", but repeats z{self.repeats}"
        return f"{self.status}{mixed}{again}"

    @property
    def reasons(self) -> str:
        """The evidence in numbers: dependence in the place of discreteness where there is none."""
        parts = [f"KL {self.kl:.2f}"]
        if self.status != LatentStatus.INACTIVE:
            parts += [] if self.replication is None else [f"replication {max(0.0, self.replication):.2f}"]
            discrete = self.discreteness >= DISCRETE
            parts.append(f"discreteness {self.discreteness:.2f}" if discrete else f"dependence {self.dependence:.2f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a model without labels.

        print(rdl.Run("runs/quickstart").verdict)

    Attributes:
      latents: by number.
      compared: number of models, trained apart, that it was compared with.
      reconstruction: share of the pixels' variance that the model explains; 0 for the best constant image.
    """

    latents: tuple[LatentVerdict, ...]
    compared: int
    reconstruction: float

    def of(self, status: LatentStatus) -> list[LatentVerdict]:
        """The latents of a status, those of the highest KL first."""
        return sorted((latent for latent in self.latents if latent.status == status), key=lambda latent: -latent.kl)

    @property
    def factors_found(self) -> int:
        """Number of supported latents, without repetitions."""
        return sum(latent.repeats is None for latent in self.of(LatentStatus.SUPPORTED))

    @property
    def kl_supported(self) -> float:
        """Share of the KL in supported latents."""
        total = sum(latent.kl for latent in self.latents)
        return sum(latent.kl for latent in self.of(LatentStatus.SUPPORTED)) / total if total > 0 else 0.0

    @property
    def headline(self) -> str:
        """The result in a sentence, and what to do about the rest."""
        active = [latent for latent in self.latents if latent.status != LatentStatus.INACTIVE]
        if not active:
            return "Nothing was learned: all latents are inactive. Train longer, or with a lower beta."
        if not self.compared:
            return (
                f"None of the {len(active)} active latents can be supported without other models to compare with: "
                "train several models (population.models = 2 or more, or a population)."
            )
        found = self.factors_found
        text = f"{_count(found, 'latent')} {'is' if found == 1 else 'are'} supported"
        if not found:
            return f"No latent is supported: most of the latents' information is {self._main_status}. {self._advice()}"
        if self.kl_supported >= _ENOUGH:
            return (
                f"{text} and hold{'s' * (found == 1)} nearly all information of the latents. The model leaves "
                f"{1 - self.reconstruction:.0%} of the pixels' variance unexplained: for more factors, lower beta or "
                "train longer."
            )
        return f"{text}; {self._rest()}. {self._advice()}"

    def _rest(self) -> str:
        return f"the rest ({1 - self.kl_supported:.0%} of the latents' information) is mostly {self._main_status}"

    @property
    def _main_status(self) -> str:
        """The status with most of the KL that is not in supported latents."""
        entangled = sum(latent.kl for latent in self.of(LatentStatus.ENTANGLED))
        uncertain = sum(latent.kl for latent in self.of(LatentStatus.UNCERTAIN))
        return "entangled" if entangled > uncertain else "uncertain"

    def _advice(self) -> str:
        if self.reconstruction < 0.5:
            return "Reconstructions are poor: train longer, or with a lower beta or more latents."
        if len(self.of(LatentStatus.ENTANGLED)) >= len(self.of(LatentStatus.UNCERTAIN)):
            return "Train longer, or let the search reach a higher beta."
        return "Train longer, and look at the traversals: an uncertain latent may be a factor of many values."

    @property
    def lines(self) -> list[str]:
        """The headline, then a line for each active latent."""
        active = [latent for status in list(LatentStatus)[:3] for latent in self.of(status)]
        inactive = [latent for latent in self.latents if latent.status == LatentStatus.INACTIVE]
        lines = [self.headline, *(latent.sentence for latent in active)]
        if inactive:
            lines.append(f"inactive: {', '.join(f'z{latent.latent}' for latent in inactive)}")
        return lines

    @property
    def summary(self) -> dict[str, Any]:
        """Flat keys for ``results/summary.json``."""
        values = {
            "factors_found": self.factors_found,
            **{str(status): len(self.of(status)) for status in LatentStatus},
            "models_compared": self.compared,
            "kl_supported": self.kl_supported,
            "reconstruction": self.reconstruction,
            "headline": self.headline,
        }
        return {f"{VERDICT}{key}": value for key, value in values.items()}

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Verdict":
        """The inverse of `to_json`.

        Raises:
          UserError: the content is of something else.
        """
        return typed(cls, content)

    @classmethod
    def load(cls, path: Path) -> "Verdict":
        """Reads ``results/verdict.json``.

        Raises:
          UserError: there is none, or it is damaged.
        """
        if not path.is_file():
            raise UserError(f"{path} is missing: the run is not finished. Run it again to finish it.")
        return cls.from_json(files.read_json(path))

    @classmethod
    def load_if_valid(cls, path: Path) -> "Verdict | None":
        """Reads ``results/verdict.json``; None if it is missing or damaged."""
        try:
            return cls.load(path)
        except UserError:
            return None

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _count(number: int, noun: str) -> str:
    numbers = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    text = numbers[number] if number < len(numbers) else str(number)
    return f"{text} {noun}{'' if number == 1 else 's'}".capitalize()
