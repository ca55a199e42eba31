"""One population, or one model: the job behind pbt_vae.gin, pbt_u_vae.gin and the single models' files."""

from typing import Any

import gin

from rdl.jobs import finish
from rdl.jobs.context import Context
from rdl.jobs.stage import least_images, train_population
from rdl.scoring import Score


@gin.configurable(denylist=["context", "comparable"])
def search(context: Context, score: Score | None = None, *, comparable: bool = True) -> dict[str, Any]:
    """Trains a population and measures its best model; returns the summary.

    A population of one is a single model trained in segments: ``population.size = 1``.

    Args:
      context: of the job.
      score: what the population maximises: ``@UDRScore()`` (PBT-U-VAE), ``@MIGScore()`` (PBT-VAE); None: the
        training loss's negative.
      comparable: as in `train_population`.

    Raises:
      UserError: the score does not fit the population, or all members of a generation failed.
    """
    context.callback.on_plan({"population": least_images("population", len(context.images))})
    stage = train_population(
        context, "population", "population", context.images, score, comparable=comparable, compared=True, last=True
    )
    summary: dict[str, Any] = {
        "images_trained": stage.num_images,
        "final.score": stage.best.score,
        **stage.found("final"),
        "final.stopped": stage.outcome.reason,
        **{f"final.{name}": value for name, value in stage.best.hyperparameters.items()},
    }
    if context.images.factor_space is not None:
        summary |= stage.measured("final")
    return summary | finish.export_result(context, stage)
