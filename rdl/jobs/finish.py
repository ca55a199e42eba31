"""What a run leaves behind for its user: the model, a picture of what its latents do, and a verdict on them."""

from typing import Any

import numpy as np

from rdl.callbacks import pictures
from rdl.jobs import judging
from rdl.jobs.context import Context
from rdl.jobs.stage import Stage
from rdl.population import prune_checkpoints
from rdl.posterior import mean_kl_to_prior
from rdl.runs import files
from rdl.seeds import generator


def export_result(context: Context, stage: Stage, *before: Stage) -> dict[str, Any]:
    """Writes the stage's best model to ``model/``, its traversals and the verdict on it to ``results/``.

    Args:
      context: of the job.
      stage: the last one.
      before: stages whose models the verdict also compares; their best models were trained apart from this one's.

    Returns:
      The verdict's part of the summary, keys under ``verdict.``
    """
    verdict = judging.judged(context, stage, before)
    for each in before:
        prune_checkpoints(context.run.paths, each.name, [each.best.name])
    further = [stage.best, *stage.outcome.generations[-1]]  # from which the run may be trained further
    prune_checkpoints(context.run.paths, stage.name, [member.name for member in further])
    few = generator(context.seed, "pictures").permutation(len(context.images))[:1000]
    means, log_variances = stage.encode(context.images, np.sort(few))
    model = stage.model()
    model.save(context.run.paths.model)
    kl = mean_kl_to_prior(means, log_variances)
    picture = pictures.traversals(model, context.images.images(few[:1])[0], kl)
    with files.replacing(context.run.paths.result("traversals.png")) as file:
        picture.save(file, format="png")
    return verdict
