"""One stage of a run: a population trained on some images, and its best model afterwards."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.errors import in_one_line
from rdl.jobs.context import Context
from rdl.jobs.learner import MemberTask, Trained
from rdl.models.saving.saved import TrainedModel
from rdl.population import (
    Member,
    Population,
    PopulationResult,
    PopulationSettings,
    count_affordable_generations,
    count_images_trained,
    minimum_images,
    prune_checkpoints,
)
from rdl.runs.layout import MeasureKey, VerdictKey
from rdl.scoring import Measurement, Score, alone, check, name_of
from rdl.scoring.measure import MEASURED_WITH
from rdl.seeds import derive


@dataclass(frozen=True)
class Stage:
    """A population that has come to its end, the checkpoint of its best member on disk.

    Attributes:
      name: its folder in the run directory.
      images: what it was trained on.
      outcome: members of all generations, and why it stopped.
      num_images: how many images each model of the best member has seen.
      num_models: per member.
      start: the model whose weights its members began with, if any.
    """

    context: Context
    name: str
    images: ImageSet
    outcome: PopulationResult
    num_images: int
    num_models: int
    start: Trained | None = None

    @property
    def best(self) -> Member:
        """The member that is handed over, the best of all generations or of the last (``population.best_of``)."""
        return self.outcome.best

    @property
    def images_spent(self) -> int:
        """Images that all models of all members have seen together."""
        per_generation = self.num_images // (self.best.generation + 1)
        return count_images_trained(self.outcome.generations, self.num_models, per_generation)

    @property
    def trained(self) -> Trained:
        """The best model of the best member."""
        return Trained(self.context.run.paths, self.name, self.best, self.images.shape, self.num_models)

    @property
    def trained_apart(self) -> list[Trained]:
        """Models that share neither weights nor ancestors with the best one: the others of its member, and the best of
        each other line of the population; none, where all began with the weights of one. Their checkpoints stay
        until the run is over.
        """
        if self.start is not None:
            return []
        paths, shape = self.context.run.paths, self.images.shape
        beside = [
            Trained(paths, self.name, self.best, shape, self.num_models, number)
            for number in range(self.num_models)
            if number != self.trained.model
        ]
        others = [Trained(paths, self.name, each, shape, self.num_models) for each in self.outcome.independent_members]
        return beside + others

    def model(self) -> TrainedModel:
        """The best model in one's hands, until another is trained or encodes."""
        return self.context.learner.model(self.trained)

    def encode(self, images: ImageSet, indices: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The best model's posterior means and log variances, each [n, latents]."""
        return self.context.learner.encode(self.trained, images, indices)

    def found(self, name: str) -> dict[str, Any]:
        """Which member is handed over, keys under ``name.``; the active latents where its score tells them."""
        summary: dict[str, Any] = {f"{name}.generation": self.best.generation}
        if self.best.active_latents is not None:
            summary[f"{name}.active_latents"] = self.best.active_latents
        return summary

    def measured(self, name: str) -> dict[str, Any]:
        """The best model's scores on the true factors, keys under ``name.``, and how they were measured, keys under
        ``measurement.``; measured once a run.
        """

        def work() -> dict[str, Any]:
            self.context.callback.on_message(f"measuring {name} on the true factors")
            encode = alone(lambda indices: self.encode(self.images, indices))
            try:
                details = Measurement()(encode, self.images, self.context.seed).details
            except ValueError as error:  # what only these latents and factors show; the run can still be finished
                self.context.callback.on_message(f"{name} cannot be measured: {in_one_line(error)}")
                return {}
            return details["measured"][0] | details["measured_with"]

        record = self.context.run.unit(MeasureKey(name), work)
        return {key if key.startswith(MEASURED_WITH) else f"{name}.{key}": value for key, value in record.items()}


def train_population(
    context: Context,
    name: str,
    scope: str,
    images: ImageSet,
    score: Score | None,
    *,
    min_score: float | None = None,
    comparable: bool = True,
    compared: bool = False,
    budget: int | None = None,
    last: bool = False,
    start: Trained | None = None,
) -> Stage:
    """Trains a population on the images until it stops by its rules; finished work is taken from the journal.

    Args:
      context: of the job.
      name: the stage's folder and the head of its journal keys.
      scope: the gin scope of its settings, as in ``x_run/population.size``.
      images: what to train on.
      score: what the population maximises; None: the negative of the training loss.
      min_score: stops the population where ``population.min_score`` says nothing.
      compared: whether the run's verdict compares its members: those that it needs keep their checkpoints until then.
      comparable: whether all generations train the same, so that the best of all may be handed over; a training loss
        never is, as objectives may change on the way.
      budget: images of all models together: the population trains as many generations as these are enough for, and
        at least ``population.generations``.
      last: whether the run hands this stage's model over. Its last generation keeps its checkpoints, from which it may
        be trained further; of other stages the best member's alone is kept.
      start: a model whose weights the first generation begins with; its checkpoint has to stay.

    Raises:
      UserError: every member of a generation failed.
    """
    with gin.config_scope(scope):
        settings = PopulationSettings()
    if settings.min_score is None:
        settings = dataclasses.replace(settings, min_score=min_score)
    if score is None or not comparable:
        settings = dataclasses.replace(settings, best_of="last")
    num_images = settings.images_per_generation(len(images))
    if budget is not None:
        settings = dataclasses.replace(settings, generations=count_affordable_generations(settings, num_images, budget))
    check(score, images, settings.models)
    points = score_seed(context.seed, name)
    task = MemberTask(
        context.learner, context.run.paths, name, images, num_images, settings.models, score, points, start
    )
    context.callback.on_score_chosen(name, name_of(score))
    context.callback.on_stage_begin(name, settings, num_images, len(images))
    population = Population(context.run, name, settings, context.seed, context.callback)
    outcome = population.evolve(task, context.executor)
    population.ensure_checkpoint(task, context.executor, outcome.best, outcome)
    kept = [outcome.best, *(outcome.generations[-1] if last else ())]
    if compared and start is None and VerdictKey().text not in context.run.journal:
        for member in outcome.independent_members:
            population.ensure_checkpoint(task, context.executor, member, outcome)
        kept += outcome.independent_members
    # Ancestors may have been trained again for them.
    prune_checkpoints(context.run.paths, name, [member.name for member in kept])
    stage = Stage(context, name, images, outcome, num_images * (outcome.best.generation + 1), settings.models, start)
    context.callback.on_stage_end(name, stage.best.generation, stage.model(), images)
    return stage


def least_images(scope: str, data_size: int) -> int:
    """How many images all models of a stage with this scope's settings will see at least, before it begins."""
    with gin.config_scope(scope):
        settings = PopulationSettings()
    return minimum_images(settings, settings.images_per_generation(data_size))


def score_seed(seed: int, stage: str) -> int:
    """The seed of the points on which all members of a stage are scored."""
    return derive(seed, stage, "score points")
