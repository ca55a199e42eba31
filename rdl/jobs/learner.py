"""The interface between jobs and training: a learner trains members, and encodes and loads their models.

Jobs use no other part of training, so that tests can run them with a learner that trains nothing.
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
class MemberModel:
    """Refers to a model of a trained member by its checkpoint.

    Attributes:
      paths: paths of the run directory.
      stage: folder of the member's checkpoint in the run directory.
      member: the member.
      image_shape: (height, width, channels) of the training images.
      num_models: number of the member's models.
      chosen: number of the model; None: the model with the best score.
    """

    paths: Layout
    stage: str
    member: Member
    image_shape: tuple[int, int, int]
    num_models: int
    chosen: int | None = None

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of all of the member's models."""
        return self.paths.checkpoint(self.stage, self.member.name)

    @property
    def model(self) -> int:
        """Number of the model among the member's models."""
        return int(np.argmax(self.member.details["per_model"])) if self.chosen is None else self.chosen


class Learner(Protocol):
    """Trains members. Its fields are plain values, because tasks take it to other processes."""

    def train(self, task: "MemberTask", member: Member) -> Member:
        """Trains and scores the member and writes its checkpoint; returns the member, scored or failed.

        May be called in several threads at once, each with its own `rdl.execution.worker_slot`.
        """

    def encode(
        self, model: MemberModel, images: ImageSet, indices: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and log variances of the images with these indices (None: of all), each [n, latents].

        Raises:
          CorruptCheckpoint: the model's checkpoint is missing or damaged.
        """

    def load_model(self, model: MemberModel) -> TrainedModel:
        """Loads the model. Valid until this process trains, encodes with or loads another model.

        Raises:
          CorruptCheckpoint: the model's checkpoint is missing or damaged.
        """


@dataclass(frozen=True)
class MemberTask:
    """Trains a member for one generation.

    Attributes:
      learner: trains the member.
      paths: paths of the run directory.
      stage: folder of the members' checkpoints in the run directory.
      images: the data set of the stage.
      num_images: number of images that each model sees.
      num_models: models per member.
      score: the score that the population maximises; None: the negative of the VAE's training loss.
      score_seed: seed of the score's points and of the labelled and held-out images. All members and generations share
        it, so that their scores are comparable.
      start: a trained model whose weights initialise the members of the first generation; None: random weights.
      labels: labels of the images for objectives that use them, float32 [images, labels], NaN if unknown.
    """

    learner: Learner
    paths: Layout
    stage: str
    images: ImageSet
    num_images: int
    num_models: int
    score: Score | None
    score_seed: int
    start: MemberModel | None = None
    labels: np.ndarray | None = None

    def __call__(self, member: Member) -> Member:
        """Trains and scores the member and writes its checkpoint; returns the member, scored or failed."""
        return self.learner.train(self, member)

    @property
    def at_once(self) -> int:
        """Number of members that one process should train concurrently."""
        return threads.members_at_once(self.num_models)

    def path(self, name: str) -> Path:
        """Path of the checkpoint of the member of this name."""
        return self.paths.checkpoint(self.stage, name)
