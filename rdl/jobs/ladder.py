"""A ladder through all its steps: one model, or a population that searches its beta, coefficient and learning rate.

The steps follow the updates that a model has made, so they run through the population's generations: each is a
segment of the training, finished work is in the journal, and a stop in the middle of a step changes nothing.
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
from rdl.jobs.learner import Trained
from rdl.jobs.search import search
from rdl.models import build
from rdl.models.ladder.ladder_vae import LadderVAE
from rdl.models.saving import saved
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member
from rdl.posterior import encode_in_batches
from rdl.runs import files
from rdl.runs.layout import MeasureKey
from rdl.scoring import ChenMeasurement, Score, alone
from rdl.seeds import generator


@gin.configurable
def train_ladder(context: Context, score: Score | None = None, chen: bool = True) -> dict[str, Any]:
    """`search`, and what there is to tell of a ladder's levels; returns the summary.

    Args:
      context: of the job.
      score: as in `search`.
      chen: also measure MIG and MIG-sup by Chen's estimator, where the true factors are known.

    Raises:
      UserError: the model is no ladder; what `search` raises.
    """
    callback = _callback(context)
    try:
        summary = search(
            dataclasses.replace(context, callback=CallbackList(context.callback, callback)), score, comparable=False
        )
        model = saved.load(context.run.paths.model)
        kl = np.array(callback.kl[-1])
        for name, where in zip(callback.levels.names, callback.levels.slices, strict=True):
            summary[f"final.kl_{name}"] = float(kl[where].sum())
        if chen and context.images.factor_space is not None:
            summary |= _measured_by_chen(context, model)
        _draw(context, callback, model)
    finally:
        callback.close()
    return summary


def _callback(context: Context) -> LadderCallback:
    """Built from a model of the run's kind: the levels and the schedule do not depend on weights."""
    images = context.images
    model = build(images.shape, 1).models[0]
    if not isinstance(model, LadderVAE):
        raise UserError("train_ladder needs a ladder: set model.objective = @pro_vlae, or experiment.job = @search.")

    def best_model(stage: str, member: Member, num_models: int) -> TrainedModel | None:
        trained = Trained(context.run.paths, stage, member, images.shape, num_models)
        return context.learner.model(trained) if trained.checkpoint.exists() else None

    example = int(generator(context.seed, "example").integers(len(images)))
    return LadderCallback(context.run, model.levels, model.schedule, images.images(np.array([example]))[0], best_model)


def _measured_by_chen(context: Context, model: TrainedModel) -> dict[str, float]:
    def work() -> dict[str, float]:
        context.callback.on_message("measuring MIG and MIG-sup by Chen's estimator")
        encode = alone(
            lambda indices: encode_in_batches(lambda few: model.posterior(context.images.images(few)), indices)
        )
        return ChenMeasurement()(encode, context.images, context.seed).details["measured"][0]

    return {f"final.{key}": value for key, value in context.run.unit(MeasureKey("chen"), work).items()}


def _draw(context: Context, callback: LadderCallback, model: TrainedModel) -> None:
    """The final traversals, samples and information per level; and the traversals in motion."""
    levels, image, kl = callback.levels, callback.example, np.array(callback.kl)
    title = "Each row moves one latent from -2.5 to 2.5; the others stay as the encoder gave them"
    callback.show("levels", ladder_pictures.traversals(model, levels, image, kl[-1], title))
    callback.show("level_samples", ladder_pictures.samples(model, levels, image, context.seed))
    callback.show("information", ladder_pictures.information(kl, callback.updates, levels, callback.starts()))
    first, *others = ladder_pictures.animation(model, levels, image)
    with files.replacing(context.run.paths.result("levels.gif")) as file:
        first.save(file, format="gif", save_all=True, append_images=others, duration=120, loop=0)
