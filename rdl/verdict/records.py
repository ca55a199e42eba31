"""The verdict: a word for each latent and what to do, as plain records that go to JSON and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.runs import files
from rdl.runs.typed import typed

VERDICT = "verdict."  # the head of its keys in a summary
_ENOUGH = 0.9  # of the KL: what is left is not worth a word


class LatentStatus(StrEnum):
    """What a latent is called."""

    SUPPORTED = "supported"
    UNCERTAIN = "uncertain"
    ENTANGLED = "entangled"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class LatentVerdict:
    """One latent's verdict and what it rests on.

    Attributes:
      latent: its number.
      word: what it is called.
      kl, replication, told, gathering: as in `LatentEvidence`.
      entangled_with: the latent with which it shares its factors, where it is entangled and there is one.
      repeats: the well supported latent of higher KL that tells the same.
    """

    latent: int
    word: LatentStatus
    kl: float
    replication: float | None = None
    told: float | None = None
    gathering: float = 0.0
    entangled_with: int | None = None
    repeats: int | None = None

    @property
    def sentence(self) -> str:
        """The verdict on it in a line of at most 78 columns."""
        return f"z{self.latent} is {self.words} ({self.reasons})"

    @property
    def words(self) -> str:
        """``well supported``, ``entangled with z4``, .."""
        beside = "" if self.entangled_with is None else f" with z{self.entangled_with}"
        again = "" if self.repeats is None else f", but tells again what z{self.repeats} does"
        return f"{self.word}{beside}{again}"

    @property
    def reasons(self) -> str:
        """The numbers behind the word."""
        parts = [f"KL {self.kl:.2f}"]
        if self.word != LatentStatus.INACTIVE:
            parts += [] if self.replication is None else [f"found again {max(0.0, self.replication):.2f}"]
            parts.append(f"steps {self.gathering:.2f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Verdict:
    """What can be said of a model without labels.

        print(rdl.Run("runs/quickstart").verdict)

    Attributes:
      latents: by number.
      compared: how many models trained apart it was compared with.
      reconstruction: share of the pixels' variance that the model explains, 0 what the best constant image does.
    """

    latents: tuple[LatentVerdict, ...]
    compared: int
    reconstruction: float

    def of(self, word: LatentStatus) -> list[LatentVerdict]:
        """The latents that are called so, those of the highest KL first."""
        return sorted((latent for latent in self.latents if latent.word == word), key=lambda latent: -latent.kl)

    @property
    def factors_found(self) -> int:
        """Well supported latents, each factor once."""
        return sum(latent.repeats is None for latent in self.of(LatentStatus.SUPPORTED))

    @property
    def kl_supported(self) -> float:
        """The share of the KL that well supported latents hold."""
        total = sum(latent.kl for latent in self.latents)
        return sum(latent.kl for latent in self.of(LatentStatus.SUPPORTED)) / total if total > 0 else 0.0

    @property
    def headline(self) -> str:
        """Whether it worked, in a sentence, and what to do about the rest."""
        live = [latent for latent in self.latents if latent.word != LatentStatus.INACTIVE]
        if not live:
            return "Nothing was learned: all latents are dead. Train longer, or with a lower beta."
        if not self.compared:
            return (
                f"Nothing was compared, so none of the {len(live)} latents in use can be well supported: train several "
                "models (population.models = 2 or more, or a population)."
            )
        found = self.factors_found
        said = f"{_count(found, 'latent')} {'is' if found == 1 else 'are'} well supported"
        if not found:
            return f"No latent is well supported: {self._rest()}. {self._advice()}"
        if self.kl_supported >= _ENOUGH:
            return (
                f"{said} and hold{'s' * (found == 1)} nearly all that the model tells. The rest of the images "
                f"({1 - self.reconstruction:.0%} of the pixels' variance) is not in it: for more factors, lower beta "
                "or train longer."
            )
        return f"{said}; {self._rest()}. {self._advice()}"

    def _rest(self) -> str:
        left = 1 - self.kl_supported
        entangled = sum(latent.kl for latent in self.of(LatentStatus.ENTANGLED))
        doubtful = sum(latent.kl for latent in self.of(LatentStatus.UNCERTAIN))
        what = "entangled" if entangled > doubtful else "doubtful"
        whole = "the variation" if len(self.of(LatentStatus.SUPPORTED)) == 0 else "the rest"
        return f"{whole} ({left:.0%} of what the latents tell) is mostly {what}"

    def _advice(self) -> str:
        if self.reconstruction < 0.5:
            return "The images are told badly: train longer, or with a lower beta or more latents."
        if len(self.of(LatentStatus.ENTANGLED)) >= len(self.of(LatentStatus.UNCERTAIN)):
            return "Train longer, or let the search reach a higher beta."
        return "Train longer, and look at the traversals: what is doubtful may be a factor of many values."

    @property
    def lines(self) -> list[str]:
        """The headline, then a line for each latent that is not dead."""
        live = [latent for word in list(LatentStatus)[:3] for latent in self.of(word)]
        dead = [latent for latent in self.latents if latent.word == LatentStatus.INACTIVE]
        found = [self.headline, *(latent.sentence for latent in live)]
        if dead:
            found.append(f"dead: {', '.join(f'z{latent.latent}' for latent in dead)}")
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """Flat keys for ``results/summary.json``."""
        found = {
            "factors_found": self.factors_found,
            "well_supported": len(self.of(LatentStatus.SUPPORTED)),
            "doubtful": len(self.of(LatentStatus.UNCERTAIN)),
            "entangled": len(self.of(LatentStatus.ENTANGLED)),
            "dead": len(self.of(LatentStatus.INACTIVE)),
            "models_compared": self.compared,
            "kl_supported": self.kl_supported,
            "reconstruction": self.reconstruction,
            "headline": self.headline,
        }
        return {f"{VERDICT}{key}": value for key, value in found.items()}

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
            raise UserError(f"{path} is missing: the run is not finished, or is from before there were verdicts.")
        return cls.from_json(files.read_json(path))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _count(number: int, noun: str) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    said = words[number] if number < len(words) else str(number)
    return f"{said} {noun}{'' if number == 1 else 's'}".capitalize()
