"""rPU-VAE: trains one model on unlabelled images by learning a few factors at a time (Estermann et al., NeurIPS 2020).

x-run -> leaf runs (label, reduce, retrain, until nothing is left to learn) -> final run, scored by the leaf runs'
labels. True factors are never used for training, only to measure the trained models.

`rpu_vae.labels` selects the variant: "x_model" is the paper's, in this module; "population" takes labels from all
models of the populations and trains on them (`rdl.jobs.recursion.pooled`).
"""

from typing import Any, Literal

import gin

from rdl.errors import UserError
from rdl.jobs.context import Context
from rdl.jobs.export import export_result
from rdl.jobs.recursion import pooled
from rdl.jobs.recursion.budget import RecursionBudget
from rdl.jobs.recursion.leaf_run import run_leaf
from rdl.jobs.recursion.summary import summarize_recursion, summarize_x_run_alone
from rdl.jobs.recursion.unsupervised import MIN_UDR, check_udr, scoped_udr
from rdl.jobs.stage import StageSpec, score_seed, train_population
from rdl.models import description
from rdl.scoring import LeafMIGScore


@gin.configurable
def rpu_vae(
    context: Context,
    leaf_runs: int = 3,
    labels: Literal["x_model", "population"] = "x_model",
    random_members: bool = True,
    total_images: int | None = None,
    warm_start: bool = False,
) -> dict[str, Any]:
    """Runs the whole recursion and returns the summary.

    If the x-run learns no factor, its model is the run's result.

    Args:
      context: the job's context.
      leaf_runs: number of leaf runs, at least 1. Each starts from other values of the factors that were learned first.
      labels: "x_model": the labels are latents of the best model of each population, as in the paper. "population":
        each factor is labelled by the model of a population that separates it best, and the labels are part of the
        final run's loss.
      random_members: whether to train the x-run's first members without a search, on as many images as the final model
        has seen, and to measure them as a baseline. Applies only if the true factors are known.
      total_images: total number of training images over all models of x-run, leaf runs and final run. The number of
        iterations of the leaf runs is not known in advance: the final run trains as many generations as the rest of
        the budget allows, and at least ``final/population.generations``. None: exactly that number of generations.
      warm_start: whether the final run's members start with the x-model's weights. The paper draws new weights, and
        with `labels` "population" new weights are always drawn.

    Raises:
      UserError: there is no leaf run, or all members of a generation failed.
    """
    _check(leaf_runs, labels)
    images, budget = context.images, RecursionBudget(context, leaf_runs, total_images, random_members)
    check_udr(images)
    budget.start_x_run()
    keeps = labels == "population" and not pooled.is_pool_saved(context, "x_run")
    spec = StageSpec("x_run", "x_run", images, scoped_udr("x_run"), MIN_UDR, in_verdict=True, keeps_generation=keeps)
    x_run = train_population(context, spec)
    budget.spend(x_run)
    if labels == "population":
        return pooled.run_with_pool(context, x_run, leaf_runs, budget)

    posterior = x_run.encode(images)  # once, as encoding all images takes as long as several generations
    leaves = [run_leaf(context, x_run, posterior, number, budget) for number in range(leaf_runs)]
    learned = [leaf.labels for leaf in leaves if len(leaf.labels)]
    if not learned:
        return summarize_x_run_alone(x_run, leaves[0].iterations[0]["stop"]) | export_result(context, x_run)
    score = LeafMIGScore(learned, seed=score_seed(context.seed, "final"))
    start = x_run.trained if warm_start else None
    spec = StageSpec(
        "final", "final", images, score, budget=budget.left(), in_verdict=True, is_result=True, start=start,
    )  # fmt: skip
    final = train_population(context, spec)
    summary = summarize_recursion(x_run, leaves, final, budget.random_members)
    return summary | export_result(context, final, x_run)


def _check(leaf_runs: int, labels: str) -> None:
    if leaf_runs < 1:
        raise UserError(
            f"rpu_vae.leaf_runs must be at least 1, got {leaf_runs}; for one population set experiment.job = @search."
        )
    if labels not in ("x_model", "population"):
        raise UserError(f"rpu_vae.labels must be 'x_model' or 'population', got {labels!r}.")
    if labels == "population" and (objective := description.objective()).batch_supervision is None:
        raise UserError(
            f"rpu_vae.labels = 'population' needs an objective that uses labels, got {objective.name}: set "
            "model.objective = @pooled_labels and pooled_labels.objective = @beta_tc_vae."
        )
