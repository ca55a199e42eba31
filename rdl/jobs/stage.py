"""One stage of a run: a population trained on some images, and its best model afterwards."""

import shutil
from dataclasses import dataclass
from typing import Any

import gin
import numpy as np

from rdl import training
from rdl.data import ImageSet
from rdl.jobs.context import Context
from rdl.jobs.member_task import MemberTask, trainer_for
from rdl.models import VAE
from rdl.population import Member, Outcome, Population, Settings, checkpoint_path
from rdl.scoring import Measurement, Score
from rdl.scoring.measure import MEASURED_WITH


@dataclass(frozen=True)
class Stage:
    """A population that has come to its end.

    Attributes:
      name: its folder in the run directory.
      outcome: members of all generations, and why it stopped.
      num_images: how many images each of its models has seen.
    """

    context: Context
    name: str
    outcome: Outcome
    num_images: int
    _population: Population
    _task: MemberTask

    @property
    def best(self) -> Member:
        """The best member of the last generation."""
        return self.outcome.best

    @property
    def best_model(self) -> int:
        """Which of the best member's models scored best."""
        return int(np.argmax(self.best.details["per_model"]))

    def load_best(self) -> VAE:
        """The best model of the best member, ready for use, in the process's trainer until that trains again.

        Its checkpoint is made again from its ancestors where it is damaged or missing.
        """
        self._population.ensure_checkpoint(self._task, self.context.executor, self.best, self.outcome)
        _keep_only_best(self)  # ancestors may have been made again too
        return self._task.restore(self.best, self.best_model)

    def encode(self, images: ImageSet, indices: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The best model's posterior means and log variances, each [n, latents]."""
        self.load_best()
        trainer = trainer_for(self._task.images.shape, self._task.num_models)
        means, log_variances = training.posterior_parameters(trainer.model, images, indices)
        return means[self.best_model], log_variances[self.best_model]

    def measured(self, name: str) -> dict[str, Any]:
        """The best model's scores on the true factors, keys under ``name.``, and how they were measured, keys under
        ``measurement.``; measured once a run.
        """

        def work() -> dict[str, Any]:
            self.context.watcher.note(f"measuring {name} on the true factors")
            images = self._task.images

            def encode(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                means, log_variances = self.encode(images, indices)
                return means[None], log_variances[None]

            details = Measurement()(encode, images, self.context.seed).details
            return details["measured"][0] | details["measured_with"]

        record = self.context.run.unit(f"measure/{name}", work)
        return {key if key.startswith(MEASURED_WITH) else f"{name}.{key}": value for key, value in record.items()}


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
    task = MemberTask(context.run.root, name, images, num_images, settings.models, score)
    context.watcher.stage_begins(name, settings, num_images, len(images))
    population = Population(context.run, name, settings, context.seed, context.watcher)
    outcome = population.evolve(task, context.executor)
    stage = Stage(context, name, outcome, num_images * len(outcome.generations), population, task)
    _keep_only_best(stage)
    context.watcher.stage_done(name, stage.best.generation, stage.load_best(), images)
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
