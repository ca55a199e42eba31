"""What a run learns with: a learner trains members, and makes use of what they have become.

The jobs know no more of learning than this, so that they can be run with another learner.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from rdl.data import ImageSet
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member
from rdl.runs import Layout
from rdl.scoring import Score
from rdl.training import threads


@dataclass(frozen=True)
class Trained:
    """A model of a trained member, the best one if nothing else is said, by where its weights lie.

    Attributes:
      paths: of the run directory.
      stage: where in it the member's checkpoint lies.
      member: the member.
      image_shape: height, width and channels of what it was trained on.
      num_models: of the member.
      chosen: which of the member's models; None: the one that scored best.
    """

    paths: Layout
    stage: str
    member: Member
    image_shape: tuple[int, int, int]
    num_models: int
    chosen: int | None = None

    @property
    def checkpoint(self) -> Path:
        """The weights of all of the member's models."""
        return self.paths.checkpoint(self.stage, self.member.name)

    @property
    def model(self) -> int:
        """Which of the member's models it is."""
        return int(np.argmax(self.member.details["per_model"])) if self.chosen is None else self.chosen


class Learner(Protocol):
    """Trains members. It travels to other processes with its tasks, so it holds nothing but plain values."""

    def train(self, task: "MemberTask", member: Member) -> Member:
        """The member, trained and scored, its checkpoint on disk; or failed, with the reason.

        May be called in several threads at once; `rdl.execution.place` tells them apart.
        """
        ...

    def encode(
        self, trained: Trained, images: ImageSet, indices: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The model's posterior means and log variances at these images, each [n, latents]; of all if None.

        Raises:
          CorruptCheckpoint: its checkpoint is missing or damaged.
        """
        ...

    def model(self, trained: Trained) -> TrainedModel:
        """The model in one's hands, until this process trains or encodes with another.

        Raises:
          CorruptCheckpoint: its checkpoint is missing or damaged.
        """
        ...


@dataclass(frozen=True)
class MemberTask:
    """Moves a member on by one generation: what an executor does with it.

    Attributes:
      learner: trains it.
      paths: of the run directory.
      stage: where in it the members' checkpoints lie.
      images: the data set of the stage.
      num_images: how many images each model sees.
      num_models: models per member.
      score: what the population maximises; None: the negative of the VAE's training loss.
      score_seed: of the score's points: one set for all members and generations, so that none is lucky. The images that
        have labels for the loss, if any, are drawn by it too.
      labels: of the images, for objectives that take labels of the batch, float32 [images, labels], NaN where unknown.
      start: a trained model whose weights the members of the first generation begin with; None: random ones.
    """

    learner: Learner
    paths: Layout
    stage: str
    images: ImageSet
    num_images: int
    num_models: int
    score: Score | None
    score_seed: int
    start: Trained | None = None
    labels: np.ndarray | None = None

    def __call__(self, member: Member) -> Member:
        """The member, trained and scored, its checkpoint on disk; or failed, with the reason."""
        return self.learner.train(self, member)

    @property
    def at_once(self) -> int:
        """How many members one process should train side by side."""
        return threads.members_at_once(self.num_models)

    def path(self, name: str) -> Path:
        """Where the checkpoint of a member of this name lies."""
        return self.paths.checkpoint(self.stage, name)
