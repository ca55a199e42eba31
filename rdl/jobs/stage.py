"""A stage of a run: trains a population on a set of images and selects its best model."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import gin
import numpy as np

from rdl.data import ImageSet
from rdl.errors import in_one_line
from rdl.jobs.context import Context
from rdl.jobs.learner import MemberModel, MemberTask
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
from rdl.population.evolution import find_founder
from rdl.runs.keys import MeasureKey, VerdictKey
from rdl.scoring import Measurement, Score, alone, check, name_of
from rdl.scoring.measure import MEASURED_WITH
from rdl.seeds import derive
from rdl.time_left import format_duration

STAGE_SCOPES = {
    "search": ("population",), "train_ladder": ("population",), "rpu_vae": ("x_run", "leaf_run", "final"),
}  # fmt: skip
"""Job -> the gin scopes of its stages."""


@dataclass(frozen=True)
class StageSpec:
    """The specification of a stage.

    Attributes:
      name: the stage's folder and the prefix of its journal keys.
      scope: the gin scope of its settings, as in ``x_run/population.size``.
      images: the training images.
      score: the score that the population maximises; None: the negative training loss.
      min_score: the default of ``population.min_score``.
      scores_comparable: whether all generations optimise the same loss, so that the best member of all generations
        may be selected. A training loss is never comparable, as objectives may change during training.
      in_verdict: whether the verdict compares the stage's models. Their checkpoints are then kept until the verdict.
      is_result: whether the stage's model is the run's result. The checkpoints of the last generation are then kept, so
        that the run can be extended.
      keeps_generation: whether the checkpoints of the last generation are kept after the stage, for the label pool.
      budget: total number of training images over all models. The population trains as many generations as fit, and at
        least ``population.generations``.
      start: a trained model whose weights initialise the first generation; its checkpoint must stay on disk.
      labels: labels for the loss, float32 [images, labels], NaN if unknown; None: no labels.
    """

    name: str
    scope: str
    images: ImageSet
    score: Score | None
    min_score: float | None = None
    scores_comparable: bool = True
    in_verdict: bool = False
    is_result: bool = False
    keeps_generation: bool = False
    budget: int | None = None
    start: MemberModel | None = None
    labels: np.ndarray | None = None

    @property
    def settings(self) -> PopulationSettings:
        """The population's settings, from gin and this specification."""
        settings = population_settings(self.scope)
        if settings.min_score is None:
            settings = dataclasses.replace(settings, min_score=self.min_score)
        if self.score is None or not self.scores_comparable:
            settings = dataclasses.replace(settings, best_of="last")
        if self.budget is not None:
            num_images = settings.images_per_generation(len(self.images))
            settings = dataclasses.replace(
                settings, generations=count_affordable_generations(settings, num_images, self.budget)
            )
        return settings


@dataclass(frozen=True)
class Stage:
    """A finished population; the checkpoint of its best member is on disk.

    Attributes:
      context: the job's context.
      spec: the specification of the stage.
      outcome: the members of all generations, and the reason why the population stopped.
      num_images: number of training images that each model of the best member has seen.
      num_models: number of models per member.
    """

    context: Context
    spec: StageSpec
    outcome: PopulationResult
    num_images: int
    num_models: int

    @property
    def name(self) -> str:
        """The stage's folder in the run directory."""
        return self.spec.name

    @property
    def images(self) -> ImageSet:
        """The training images."""
        return self.spec.images

    @property
    def best(self) -> Member:
        """The selected member: the best of all generations or of the last (``population.best_of``)."""
        return self.outcome.best

    @property
    def images_spent(self) -> int:
        """Total number of training images over all models of all members."""
        return count_images_trained(
            self.outcome.generations, self.num_models, self.num_images // (self.best.generation + 1)
        )

    @property
    def trained(self) -> MemberModel:
        """The best model of the best member."""
        return self._model(self.best)

    def _model(self, member: Member, number: int | None = None) -> MemberModel:
        """A model of a member by its number, or its best model."""
        return MemberModel(self.context.run.paths, self.name, member, self.images.shape, self.num_models, number)

    @property
    def last_generation(self) -> list[MemberModel]:
        """All models of the scored members of the last generation."""
        scored = [member for member in self.outcome.generations[-1] if member.score is not None]
        return [self._model(member, number) for member in scored for number in range(self.num_models)]

    def lineage(self, trained: MemberModel) -> tuple[int, int]:
        """Identifies the weights from which a model descends: the first ancestor's index and the model's number."""
        return find_founder(self.outcome.generations, trained.member), trained.model

    @property
    def independent_models(self) -> list[MemberModel]:
        """Models that share neither weights nor ancestors with the best one.

        These are the other models of the best member, and the best member of each other line of descent. There are none
        if all members started from the weights of one model. Their checkpoints are kept until the verdict.
        """
        if self.spec.start is not None:
            return []
        others = [number for number in range(self.num_models) if number != self.trained.model]
        return [
            *(self._model(self.best, number) for number in others), *map(self._model, self.outcome.independent_members)
        ]  # fmt: skip

    @property
    def needed_members(self) -> list[Member]:
        """The members whose checkpoints the run still needs: the best one and, until the verdict, independent ones."""
        judged = str(VerdictKey()) in self.context.run.journal
        compared = self.spec.in_verdict and self.spec.start is None and not judged
        return [self.best, *(self.outcome.independent_members if compared else [])]

    def prune(self) -> None:
        """Removes the checkpoints that the run no longer needs."""
        names = [member.name for member in self.needed_members]
        prune_checkpoints(self.context.run.paths, self.name, names)

    def model(self) -> TrainedModel:
        """Loads the best model. Valid until another model is trained or encodes."""
        return self.context.learner.load_model(self.trained)

    def encode(self, images: ImageSet, indices: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Encodes images with the best model: posterior means and log variances, each [n, latents]."""
        return self.context.learner.encode(self.trained, images, indices)

    def selection(self, name: str) -> dict[str, Any]:
        """The selected member's generation, active latents and held-out loss, for the summary, with keys ``name.*``."""
        summary: dict[str, Any] = {f"{name}.generation": self.best.generation}
        if self.best.active_latents is not None:
            summary[f"{name}.active_latents"] = self.best.active_latents
        if "held_out_loss" in self.best.details:
            summary[f"{name}.held_out_loss"] = self.best.details["held_out_loss"][self.trained.model]
        return summary

    def measure(self, name: str) -> dict[str, Any]:
        """Measures the best model against the true factors, once per run.

        Returns:
          Scores with keys ``name.*``, and the settings of the measurement with keys ``measurement.*``; empty if the
          scores are undefined.
        """

        def work() -> dict[str, Any]:
            duration = format_duration(Measurement().expected_seconds(self.images))
            self.context.callback.on_message(f"measuring {name} on the true factors, about {duration}")
            encode = alone(lambda indices: self.encode(self.images, indices))
            try:
                details = Measurement()(encode, self.images, self.context.seed).details
            except ValueError as error:  # undefined for these latents and factors, which must not end the run
                self.context.callback.on_message(f"{name} cannot be measured: {in_one_line(error)}")
                return {}
            for note in details["notes"]:
                self.context.callback.on_message(note)
            return details["measured"][0] | details["measured_with"]

        record = self.context.run.unit(MeasureKey(name), work)
        return {key if key.startswith(MEASURED_WITH) else f"{name}.{key}": value for key, value in record.items()}


def train_population(context: Context, spec: StageSpec) -> Stage:
    """Trains a population until it stops. Finished work is read from the journal.

    Raises:
      UserError: every member of a generation failed, or the score does not fit the population.
    """
    settings, images = spec.settings, spec.images
    num_images = settings.images_per_generation(len(images))
    check(spec.score, images, settings.models)
    task = MemberTask(
        context.learner, context.run.paths, spec.name, images, num_images, settings.models, spec.score,
        score_seed(context.seed, spec.name), spec.start, spec.labels,
    )  # fmt: skip
    context.callback.on_score_chosen(spec.name, name_of(spec.score))
    context.callback.on_stage_begin(spec.name, settings, num_images, len(images))
    population = Population(context.run, spec.name, settings, context.seed, context.callback)
    outcome = population.evolve(task, context.executor)
    stage = Stage(context, spec, outcome, num_images * (outcome.best.generation + 1), settings.models)
    _keep_checkpoints(stage, population, task)
    context.callback.on_stage_end(spec.name, stage.best.generation, stage.model(), images)
    return stage


def _keep_checkpoints(stage: Stage, population: Population, task: MemberTask) -> None:
    """Trains lost checkpoints again if the run still needs them, and removes all others that it does not need."""
    context, spec, outcome = stage.context, stage.spec, stage.outcome
    generation = outcome.generations[-1]
    needed = [*stage.needed_members, *(generation if spec.keeps_generation else [])]
    for member in needed:
        if member.score is not None:
            population.ensure_checkpoint(task, context.executor, member, outcome)
    kept = needed + (generation if spec.is_result else [])
    prune_checkpoints(context.run.paths, spec.name, [member.name for member in kept])


def population_settings(scope: str) -> PopulationSettings:
    """The settings of a population in a gin scope."""
    with gin.config_scope(scope):
        return PopulationSettings()


def minimum_stage_images(scope: str, data_size: int) -> int:
    """Smallest total number of training images that all models of a stage see."""
    settings = population_settings(scope)
    return minimum_images(settings, settings.images_per_generation(data_size))


def score_seed(seed: int, stage: str) -> int:
    """The seed of the points that score all members of a stage."""
    return derive(seed, stage, "score points")
