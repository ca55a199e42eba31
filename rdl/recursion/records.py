"""What one iteration of a leaf run leaves on record: enough to read how its factors were found.

All are frozen and go to plain JSON types and back without loss: `to_json(x)`, `Iteration.from_json(d)`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rdl.runs.typed import typed


class Stop(StrEnum):
    """Why a leaf run ended; `explanation` says it in a sentence."""

    LOW_SCORE = "low_score"
    NO_ACTIVE_LATENT = "no_active_latent"
    NO_JUMP = "no_jump"
    EMPTY_INTERSECTION = "empty_intersection"
    NO_SUCH_CHOICE = "no_such_choice"
    TOO_FEW_IMAGES = "too_few_images"
    MAX_ITERATIONS = "max_iterations"

    @property
    def explanation(self) -> str:
        """One sentence for tables and logs."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Stop.LOW_SCORE: "the best score stayed under the minimum: nothing is left to learn",
    Stop.NO_ACTIVE_LATENT: "no latent's KL to the prior passes the threshold",
    Stop.NO_JUMP: "a learned label shows no jump, so its values cannot be told apart",
    Stop.EMPTY_INTERSECTION: "no set of images shares one plateau of every label",
    Stop.NO_SUCH_CHOICE: "there are fewer sets of images to choose from than this leaf run's number asks for",
    Stop.TOO_FEW_IMAGES: "too few images are left",
    Stop.MAX_ITERATIONS: "the largest allowed number of iterations is reached",
}


@dataclass(frozen=True)
class Plateau:
    """A flat step of a label in sorted order: the images at sorted positions [start, stop).

    Attributes:
      low, high: the label's values at `start` and at `stop - 1`; an image lies in the plateau if and only if
        its label does in [low, high].
      sharpness: the lower of the jumps at its two ends over the mean difference inside; 0 if it is one image.
      outer: it is the first or the last one, with a jump at one end only.
      rank: its place among the plateaus that may be chosen, 0 the sharpest; None where it may not be.
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
    """One label cut at its jumps. Jump j lies between sorted positions j and j + 1."""

    jumps: tuple[int, ...]
    plateaus: tuple[Plateau, ...]

    def ranked(self) -> tuple[Plateau, ...]:
        """The plateaus that may be chosen, the sharpest first."""
        return tuple(sorted((s for s in self.plateaus if s.rank is not None), key=lambda s: s.rank or 0))


@dataclass(frozen=True)
class Reduction:
    """How labels led to the next data set.

    Attributes:
      staircases: one for each label, in the labels' order.
      chosen: for each label the index of its chosen plateau in `staircases[i].plateaus`; None for a label
        that took no part (no jump). Empty if nothing was chosen.
      choice: the number asked for in the ranking of the sets of images.
      choices: how many sets of images there were to choose from.
      kept: the numbers of the images kept, ascending; empty if the run stops here.
      stop: why nothing was kept, or None.
    """

    staircases: tuple[Staircase, ...]
    chosen: tuple[int | None, ...]
    choice: int
    choices: int
    kept: tuple[int, ...]
    stop: Stop | None

    @property
    def held(self) -> tuple[bool, ...]:
        """For each label whether the images kept share one value of it; empty if nothing was chosen."""
        return tuple(number is not None for number in self.chosen)


@dataclass(frozen=True)
class Iteration:
    """One iteration of a leaf run: what was learned on its images, and which of them the next one keeps.

    Attributes:
      number: 0 is the x-model on the whole data set.
      images: how many images the iteration had.
      score: of the member that gave the labels, the mean over its models; None where none was given.
      kl: mean KL to the prior of each latent, nats; empty if the run stopped before labelling.
      latents: the latents that were learned, ascending.
      reduction: None if the run stopped before it.
      stop: why the leaf run ends here, or None.
      repeats: for each of these latents (iteration, column) of the earlier label that it tells again, or None
        where its factor is new; empty in records from before this was looked for.
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
        """The latents of which the images kept share one value."""
        held = self.reduction.held if self.reduction else ()
        return tuple(latent for latent, constant in zip(self.latents, held, strict=False) if constant)

    @property
    def again(self) -> tuple[int, ...]:
        """The latents that repeat a label of an earlier iteration, whose factor was not held constant."""
        pairs = zip(self.latents, self.repeats, strict=False)
        return tuple(latent for latent, repeated in pairs if repeated is not None)

    @property
    def labels_learned(self) -> int:
        """How many latents were learned, those left out that repeat an earlier label."""
        return len(self.latents) - len(self.again)

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the images of the next iteration, in the full data set; empty where the run ends."""
        return self.reduction.kept if self.reduction else ()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Iteration":
        """The inverse of `to_json`.

        Raises:
          UserError: the content is of another record, or of another type somewhere.
        """
        return typed(cls, content)


def to_json(record: Plateau | Staircase | Reduction | Iteration) -> dict[str, Any]:
    """The record as dicts, lists, numbers and strings (its tuples become lists once written)."""
    return asdict(record)
