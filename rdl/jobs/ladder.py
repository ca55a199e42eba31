"""Trains a ladder through all steps of its schedule: one model, or a population that searches its hyperparameters.

The step of the schedule depends on the number of a model's updates. Steps and generations need not end together, and a
run that is stopped in the middle of a step resumes there.
"""

import dataclasses
from typing import Any

import gin
import numpy as np

from rdl.callbacks import ladder_pictures
from rdl.callbacks.callback import CallbackList
from rdl.callbacks.ladder_callback import LadderCallback
from rdl.errors import UserError
from rdl.jobs.context import Context
from rdl.jobs.learner import MemberModel
from rdl.jobs.search import search
from rdl.models import build
from rdl.models.ladder.ladder_vae import LadderVAE
from rdl.models.saving import saved
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member
from rdl.posterior import encode_in_batches
from rdl.runs import files
from rdl.runs.keys import MeasureKey
from rdl.scoring import ChenMeasurement, Score, alone
from rdl.seeds import generator


@gin.configurable
def train_ladder(context: Context, score: Score | None = None, chen: bool = True) -> dict[str, Any]:
    """Runs `search` on a ladder and draws its levels; returns the summary.

    Args:
      context: the job's context.
      score: as in `search`.
      chen: whether MIG and MIG-sup are also measured by Chen's estimator, if the true factors are known.

    Raises:
      UserError: the model is not a ladder, or `search` fails.
    """
    callback = _make_callback(context)
    try:
        summary = search(
            dataclasses.replace(context, callback=CallbackList(context.callback, callback)), score, comparable=False
        )
        model = saved.load_model(context.run.paths.model)
        kl = np.array(callback.kl[-1])
        for name, where in zip(callback.levels.names, callback.levels.slices, strict=True):
            summary[f"final.kl_{name}"] = float(kl[where].sum())
        if chen and context.images.factor_space is not None:
            summary |= _measure_by_chen(context, model)
        _draw(context, callback, model)
    finally:
        callback.close()
    return summary


def _make_callback(context: Context) -> LadderCallback:
    """The callback that draws the levels during training; levels and schedule do not depend on the weights."""
    images = context.images
    model = build(images.shape, 1).models[0]
    if not isinstance(model, LadderVAE):
        raise UserError(
            "train_ladder expects a ladder, got a model without levels: set model.objective = @pro_vlae, or "
            "experiment.job = @search."
        )

    def best_model(stage: str, member: Member, num_models: int) -> TrainedModel | None:
        trained = MemberModel(context.run.paths, stage, member, images.shape, num_models)
        return context.learner.load_model(trained) if trained.checkpoint.exists() else None

    example = int(generator(context.seed, "example").integers(len(images)))
    return LadderCallback(context.run, model.levels, model.schedule, images.images(np.array([example]))[0], best_model)


def _measure_by_chen(context: Context, model: TrainedModel) -> dict[str, float]:
    def work() -> dict[str, float]:
        context.callback.on_message("measuring MIG and MIG-sup by Chen's estimator")
        encode = alone(
            lambda indices: encode_in_batches(lambda few: model.posterior(context.images.images(few)), indices)
        )
        return ChenMeasurement()(encode, context.images, context.seed).details["measured"][0]

    return {f"final.{key}": value for key, value in context.run.unit(MeasureKey("chen"), work).items()}


def _draw(context: Context, callback: LadderCallback, model: TrainedModel) -> None:
    """Writes the final pictures: traversals, samples and information per level, and the animated traversals."""
    levels, image, kl = callback.levels, callback.example, np.array(callback.kl)
    title = "Each row moves one latent from -2.5 to 2.5; the other latents keep their encoded values"
    callback.save_picture("levels", ladder_pictures.draw_level_traversals(model, levels, image, kl[-1], title))
    callback.save_picture("level_samples", ladder_pictures.draw_level_samples(model, levels, image, context.seed))
    starts = callback.step_starts()
    callback.save_picture("information", ladder_pictures.draw_level_kl(kl, callback.updates, levels, starts))
    first, *others = ladder_pictures.animate_traversals(model, levels, image)
    with files.replacing(context.run.paths.result("levels.gif")) as file:
        first.save(file, format="gif", save_all=True, append_images=others, duration=120, loop=0)
