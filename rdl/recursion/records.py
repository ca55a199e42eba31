"""Records of a leaf run's iterations: labels, plateaus, the chosen images, and the reason of the end.

They convert to JSON values and back without loss: `to_json(record)`, `Iteration.from_json(content)`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rdl.runs.typed import typed


class Stop(StrEnum):
    """The reason why a leaf run ended."""

    LOW_SCORE = "low_score"
    NO_ACTIVE_LATENT = "no_active_latent"
    NO_JUMP = "no_jump"
    EMPTY_INTERSECTION = "empty_intersection"
    NO_SUCH_CHOICE = "no_such_choice"
    TOO_FEW_IMAGES = "too_few_images"
    MAX_ITERATIONS = "max_iterations"

    @property
    def explanation(self) -> str:
        """The reason in a sentence, for tables and logs."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Stop.LOW_SCORE: "the best score is below the minimum: nothing is left to learn",
    Stop.NO_ACTIVE_LATENT: "no latent's KL to the prior exceeds the threshold",
    Stop.NO_JUMP: "a label has no jump, so its values cannot be separated",
    Stop.EMPTY_INTERSECTION: "no images share one plateau of every label",
    Stop.NO_SUCH_CHOICE: "there are fewer sets of images to choose from than leaf runs",
    Stop.TOO_FEW_IMAGES: "too few images are left",
    Stop.MAX_ITERATIONS: "the largest number of iterations is reached",
}


@dataclass(frozen=True)
class Plateau:
    """A plateau of a sorted label: the images at sorted positions [start, stop).

    Attributes:
      low, high: the label's values at `start` and `stop - 1`; the plateau's images are those with labels in
        [low, high].
      sharpness: the lower of the two jumps at its ends over the mean difference inside; 0 for a single image.
      outer: whether it is the first or the last plateau, which has a jump at one end only.
      rank: rank by sharpness among the plateaus that may be chosen, from 0; None if it may not be chosen.
    """

    start: int
    stop: int
    low: float
    high: float
    sharpness: float
    outer: bool
    rank: int | None

    @property
    def size(self) -> int:
        """Number of images."""
        return self.stop - self.start


@dataclass(frozen=True)
class Staircase:
    """A label cut at its jumps; jump j lies between sorted positions j and j + 1."""

    jumps: tuple[int, ...]
    plateaus: tuple[Plateau, ...]

    def ranked(self) -> tuple[Plateau, ...]:
        """Returns the plateaus that may be chosen, the sharpest first."""
        return tuple(sorted((s for s in self.plateaus if s.rank is not None), key=lambda s: s.rank or 0))


@dataclass(frozen=True)
class Reduction:
    """The choice of the next data set from labels.

    Attributes:
      staircases: the staircase of each label.
      chosen: index of each label's chosen plateau in `staircases[i].plateaus`; None for an ignored label without a
        jump. Empty if nothing was chosen.
      choice: requested rank among the sets of images.
      choices: number of sets of images to choose from.
      kept: numbers of the images kept, ascending; empty if the run stops here.
      stop: the reason why no images were kept, or None.
    """

    staircases: tuple[Staircase, ...]
    chosen: tuple[int | None, ...]
    choice: int
    choices: int
    kept: tuple[int, ...]
    stop: Stop | None

    @property
    def held(self) -> tuple[bool, ...]:
        """Whether each label is held fixed on the kept images; empty if nothing was chosen."""
        return tuple(number is not None for number in self.chosen)


@dataclass(frozen=True)
class Iteration:
    """One iteration of a leaf run: its labels, and the images that the next iteration keeps.

    Attributes:
      number: number of the iteration; 0 is that of the x-model on the whole data set.
      images: number of images.
      score: score of the member whose latents are the labels, or None.
      kl: mean KL to the prior of each latent, nats; empty if the run stopped before labelling.
      latents: the latents that were learned, ascending.
      reduction: None if the run stopped before it.
      stop: the reason why the leaf run ends here, or None.
      repeats: for each learned latent (iteration, column) of the earlier label that it repeats, or None for a new
        factor.
    """

    number: int
    images: int
    score: float | None
    kl: tuple[float, ...]
    latents: tuple[int, ...]
    reduction: Reduction | None
    stop: Stop | None
    repeats: tuple[tuple[int, int] | None, ...] = ()

    @property
    def held(self) -> tuple[int, ...]:
        """The latents that are held fixed on the kept images."""
        held = self.reduction.held if self.reduction else ()
        return tuple(latent for latent, constant in zip(self.latents, held, strict=False) if constant)

    @property
    def again(self) -> tuple[int, ...]:
        """The latents that repeat an earlier label whose factor was not held fixed."""
        pairs = zip(self.latents, self.repeats, strict=False)
        return tuple(latent for latent, repeated in pairs if repeated is not None)

    @property
    def labels_learned(self) -> int:
        """Number of learned latents that do not repeat an earlier label."""
        return len(self.latents) - len(self.again)

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the next iteration's images in the full data set; empty if the run ends."""
        return self.reduction.kept if self.reduction else ()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Iteration":
        """The inverse of `to_json`.

        Raises:
          UserError: the content is not such a record.
        """
        return typed(cls, content)


def to_json(record: Plateau | Staircase | Reduction | Iteration) -> dict[str, Any]:
    """Converts a record to dicts, lists, numbers and strings."""
    return asdict(record)
