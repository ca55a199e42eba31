"""One stage of a run: a population trained on some images, and its best model afterwards."""

import shutil
from dataclasses import dataclass

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.jobs.context import Context
from rdl.jobs.learner import MemberTask, Trained
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, Outcome, Population, Settings, checkpoint_path
from rdl.scoring import Measurement, Score, alone


@dataclass(frozen=True)
class Stage:
    """A population that has come to its end, the checkpoint of its best member on disk.

    Attributes:
      name: its folder in the run directory.
      images: what it was trained on.
      outcome: members of all generations, and why it stopped.
      num_images: how many images each of its models has seen.
      num_models: per member.
    """

    context: Context
    name: str
    images: ImageSet
    outcome: Outcome
    num_images: int
    num_models: int

    @property
    def best(self) -> Member:
        """The best member of the last generation."""
        return self.outcome.best

    @property
    def trained(self) -> Trained:
        """The best model of the best member."""
        return Trained(self.context.run.root, self.name, self.best, self.images.shape, self.num_models)

    def model(self) -> TrainedModel:
        """The best model in one's hands, until another is trained or encodes."""
        return self.context.learner.model(self.trained)

    def encode(self, images: ImageSet, indices: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The best model's posterior means and log variances, each [n, latents]."""
        return self.context.learner.encode(self.trained, images, indices)

    def measured(self, name: str) -> dict[str, float]:
        """The best model's scores on the true factors, keys under ``name.``; measured once a run."""

        def work() -> dict[str, float]:
            self.context.watcher.note(f"measuring {name} on the true factors")
            encode = alone(lambda indices: self.encode(self.images, indices))
            return Measurement()(encode, self.images, self.context.seed).details["measured"][0]

        scores = self.context.run.unit(f"measure/{name}", work)
        return {f"{name}.{key}": value for key, value in scores.items()}


def train_population(context: Context, name: str, scope: str, images: ImageSet, score: Score | None) -> Stage:
    """Trains a population on the images until it stops by its rules; finished work is taken from the journal.

    Args:
      context: of the job.
      name: the stage's folder and the head of its journal keys.
      scope: the gin scope of its settings, as in ``x_run/population.size``.
      images: what to train on.
      score: what the population maximises; None: the negative of the training loss.

    Raises:
      UserError: every member of a generation failed.
    """
    with gin.config_scope(scope):
        settings = Settings()
    num_images = settings.images_per_generation(len(images))
    task = MemberTask(context.learner, context.run.root, name, images, num_images, settings.models, score)
    context.watcher.stage_begins(name, settings, num_images, len(images))
    population = Population(context.run, name, settings, context.seed, context.watcher)
    outcome = population.evolve(task, context.executor)
    population.ensure_checkpoint(task, context.executor, outcome.best, outcome)
    stage = Stage(context, name, images, outcome, num_images * len(outcome.generations), settings.models)
    _keep_only_best(stage)
    context.watcher.stage_done(name, stage.best.generation, stage.model(), images)
    return stage


def _keep_only_best(stage: Stage) -> None:
    """Removes the checkpoints of members that nobody asks for any more; any can be made again."""
    kept = checkpoint_path(stage.context.run.root, stage.name, stage.best.name)
    for folder in sorted(kept.parent.parent.glob("generation_*")):
        if folder != kept.parent:
            shutil.rmtree(folder)
    for path in sorted(kept.parent.iterdir()):  # what a killed write left behind is among them
        if path != kept:
            path.unlink()
