"""Exports the result of a run: the model, a picture of its latents' traversals, and the verdict on it."""

from typing import Any

import numpy as np

from rdl.callbacks import pictures
from rdl.jobs.context import Context
from rdl.jobs.judge import judge_model
from rdl.jobs.stage import Stage
from rdl.population import prune_checkpoints
from rdl.posterior import mean_kl_to_prior
from rdl.runs import files
from rdl.seeds import generator


def export_result(context: Context, stage: Stage, *before: Stage) -> dict[str, Any]:
    """Writes the stage's best model to ``model/``, and its traversals and the verdict on it to ``results/``.

    Args:
      context: the job's context.
      stage: the last stage.
      before: earlier stages, whose models the verdict also compares.

    Returns:
      The verdict's part of the summary, with keys ``verdict.*``.
    """
    verdict = judge_model(context, stage, before)
    for each in before:
        prune_checkpoints(context.run.paths, each.name, [each.best.name])
    further = [stage.best, *stage.outcome.generations[-1]]  # bin/extend trains from these
    prune_checkpoints(context.run.paths, stage.name, [member.name for member in further])
    few = generator(context.seed, "pictures").permutation(len(context.images))[:1000]
    means, log_variances = stage.encode(context.images, np.sort(few))
    model = stage.model()
    model.save(context.run.paths.model)
    kl = mean_kl_to_prior(means, log_variances)
    picture = pictures.draw_traversals(model, context.images.images(few[:1])[0], kl)
    with files.replacing(context.run.paths.result("traversals.png")) as file:
        picture.save(file, format="png")
    return verdict
