"""Trains one population, or one model: the job of pbt_vae.gin, pbt_u_vae.gin and the gin files of single models."""

from typing import Any

import gin

from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.jobs.context import Context
from rdl.jobs.export import export_result
from rdl.jobs.learner import MemberModel
from rdl.jobs.stage import StageSpec, minimum_stage_images, train_population
from rdl.population import Member
from rdl.runs import RunReader
from rdl.runs.keys import MemberKey, OutcomeKey
from rdl.scoring import Score

_X_RUN = "x_run"


@gin.configurable(denylist=["context", "comparable"])
def search(
    context: Context, score: Score | None = None, warm_start: str | None = None, *, comparable: bool = True
) -> dict[str, Any]:
    """Trains a population and measures its best model; returns the summary.

    A population of one member with one VAE is a single model, trained in segments.

    Args:
      context: the job's context.
      score: the score that the population maximises: ``@UDRScore()`` (PBT-U-VAE), ``@MIGScore()`` (PBT-VAE); None: the
        negative training loss.
      warm_start: directory of a finished run of `rpu_vae`. The first generation starts with the weights of its x-model,
        and the summary counts only the images of this run. None: random weights.
      comparable: as `scores_comparable` in `StageSpec`.

    Raises:
      UserError: the score does not fit the population, the run holds no x-model, or all members of a generation failed.
    """
    context.callback.on_plan({"population": minimum_stage_images("population", len(context.images))})
    start = None if warm_start is None else find_x_model(warm_start, context.images)
    spec = StageSpec(
        "population", "population", context.images, score, scores_comparable=comparable, in_verdict=True,
        is_result=True, start=start,
    )  # fmt: skip
    stage = train_population(context, spec)
    summary: dict[str, Any] = {
        "images_trained": stage.num_images,
        "final.score": stage.best.score,
        **stage.selection("final"),
        "final.stopped": stage.outcome.reason,
        **{f"final.{name}": value for name, value in stage.best.hyperparameters.items()},
    }
    if context.images.factor_space is not None:
        summary |= stage.measure("final")
    return summary | export_result(context, stage)


def find_x_model(run: str, images: ImageSet) -> MemberModel:
    """Finds the x-model of a run of `rpu_vae`. Its networks must be those that gin configures now.

    Args:
      run: directory of a run of `rpu_vae` whose x-run is finished.
      images: the data set of this run, with the image shape of the other run.

    Raises:
      UserError: the directory holds no finished x-run, or the x-model's checkpoint is missing.
    """
    reader = RunReader.open(run)
    outcome = reader.records.get(OutcomeKey(_X_RUN), {})
    members = [Member.from_record(record) for key, record in reader.of_kind(MemberKey).items() if key.stage == _X_RUN]
    best = next((member for member in members if member.name == outcome.get("best")), None)
    if best is None:
        raise UserError(f"search.warm_start: {run} holds no finished x-run: give a run of rpu_vae that has one.")
    x_model = MemberModel(reader.paths, _X_RUN, best, images.shape, len(best.details["per_model"]))
    if not x_model.checkpoint.is_file():
        raise UserError(f"search.warm_start: {x_model.checkpoint} is missing: train {run} again.")
    return x_model
