"""rPU-VAE: a few factors at a time, from images without labels to one model (Estermann et al., NeurIPS 2020).

x-run -> leaf runs (label, reduce, retrain, until nothing is left to learn) -> final run, supervised by the leaf
runs' labels. The true factors, where the data set has them, are used to measure afterwards and for nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gin
import numpy as np

from rdl.errors import UserError
from rdl.jobs import finish
from rdl.jobs.context import Context
from rdl.jobs.learner import MemberTask
from rdl.jobs.stage import Stage, least_images, score_seed, train_population
from rdl.population import Member, PopulationSettings, train_members
from rdl.recursion import Iteration, LeafLabels, iterate, to_json
from rdl.runs import files
from rdl.runs.layout import RANDOM_MEMBERS, IterationKey
from rdl.scoring import LeafMIGScore, Measurement, UDRScore, check
from rdl.seeds import derive

MIN_UDR = 0.1  # the reference's: a population whose best member has less has nothing left to learn


@dataclass(frozen=True)
class Leaf:
    """What one leaf run found: its labels, the record of every iteration, and what it cost in images of models."""

    labels: LeafLabels
    iterations: list[dict[str, Any]]
    images_spent: int = 0

    @property
    def labels_learned(self) -> int:
        """Labels of all iterations that do not repeat an earlier one."""
        return sum(Iteration.from_json(found).labels_learned for found in self.iterations)


@gin.configurable
def rpu_vae(
    context: Context,
    leaf_runs: int = 3,
    random_members: bool = True,
    total_images: int | None = None,
    warm_start: bool = False,
) -> dict[str, Any]:
    """The whole recursion; returns the summary. Where the x-run learns nothing to recurse on, its model is the run's.

    Args:
      context: of the job.
      leaf_runs: how many, at least 1, each from another value of the factors that were learned first.
      random_members: also train the x-run's first members, without any search, on as many images as the final
        model saw, and measure them: what random hyperparameters give. Only where the true factors are known.
      total_images: what x-run, leaf runs and final run may cost together, in images of models. How many iterations
        leaf runs have is not known before: the final run trains as many generations as the others leave over, and at
        least ``final/population.generations``. None: just so many.
      warm_start: the final run's members begin with the x-model's weights, which the paper's do not: what the x-run
        learned need not be found again by luck, and the leaf runs' labels choose how it goes on.

    Raises:
      UserError: no leaf run, or all members of a generation failed.
    """
    if leaf_runs < 1:
        raise UserError(
            f"rpu_vae.leaf_runs must be at least 1, got {leaf_runs}: a population alone is experiment.job = @search."
        )
    images = context.images
    for scope in ("x_run", "leaf_run"):  # a leaf run's settings are told now, not after the x-run
        with gin.config_scope(scope):
            check(UDRScore(), images, PopulationSettings().models)
    random_members = random_members and images.factor_space is not None
    plan = partial(_to_come, len(images), random_members=random_members)
    first = least_images("x_run", len(images))
    context.callback.on_plan({"x_run": first, **plan(range(leaf_runs), total_images and total_images - first)})
    x_run = train_population(context, "x_run", "x_run", images, _udr("x_run"), min_score=MIN_UDR, compared=True)
    posterior = x_run.encode(images)  # once: at full size it costs as much as several generations of a leaf run
    left, leaves = total_images and total_images - x_run.images_spent, []
    for number in range(leaf_runs):
        context.callback.on_plan(plan(range(number, leaf_runs), left))
        leaves.append(_leaf_run(context, x_run, posterior, number))
        left = left and left - leaves[-1].images_spent
    context.callback.on_plan(plan((), left))
    learned = {
        "x_model.score": x_run.best.score,
        "x_model.udr": float(np.mean(x_run.best.details.get("udr") or [x_run.best.score])),
        **x_run.found("x_model"),
        "x_model.images_trained": x_run.num_images,
        "x_model.stopped": x_run.outcome.reason,
    }
    if images.factor_space is not None:
        learned |= x_run.measured("x_model")
    labels = [leaf.labels for leaf in leaves if len(leaf.labels)]
    if not labels:
        context.callback.on_message(f"warning: {_nothing_learned(context, x_run, leaves[0].iterations[0]['stop'])}")
        told = {"images_trained": x_run.num_images, "final.stopped": "never begun: the x-run learned no factor"}
        return told | learned | finish.export_result(context, x_run)
    leaf_mig = LeafMIGScore(labels, seed=score_seed(context.seed, "final"))
    start = x_run.trained if warm_start else None
    final = train_population(
        context, "final", "final", images, leaf_mig, budget=left, compared=True, last=True, start=start
    )
    seen = final.num_images + (x_run.num_images if start else 0)
    summary: dict[str, Any] = {
        "images_trained": seen,
        "leaf_runs": leaf_runs,
        "iterations": sum(len(leaf.iterations) for leaf in leaves),
        **learned,
        "final.leaf_mig": final.best.score,
        **final.found("final"),
    }
    for number, leaf in enumerate(leaves):
        summary[f"leaf_{number}.labels_learned"] = leaf.labels_learned
        summary[f"leaf_{number}.iterations"] = len(leaf.iterations)
        summary[f"leaf_{number}.stopped"] = leaf.iterations[-1]["stop"]
    if images.factor_space is not None:
        summary |= final.measured("final")
        if random_members:
            summary |= _random_members(context, x_run, seen)
    return summary | finish.export_result(context, final, x_run)


def _udr(scope: str) -> UDRScore:
    """UDR as gin has it for a stage's scope, as in ``x_run/UDRScore.min_active``."""
    with gin.config_scope(scope):
        return UDRScore()


def _to_come(data_size: int, leaf_runs: Iterable[int], left: int | None, *, random_members: bool) -> dict[str, int]:
    """Images that the models of every stage after the x-run will see at least: a leaf run labels once, trains once.

    Args:
      data_size: images of the data set.
      leaf_runs: numbers of those to come.
      left: of ``rpu_vae.total_images``.
      random_members: whether they are trained too.
    """
    leaves = {f"leaf_{number}/iteration_1": least_images("leaf_run", 0) for number in leaf_runs}
    final = max(least_images("final", data_size), (left or 0) - sum(leaves.values()))
    plan = {**leaves, "final": final}
    with gin.config_scope("x_run"):
        members = PopulationSettings().members(0)
    with gin.config_scope("final"):
        settings = PopulationSettings()
    alone = settings.images_per_generation(data_size) * (settings.generations or settings.window + 1)
    return plan | ({RANDOM_MEMBERS: members * alone} if random_members else {})


def _nothing_learned(context: Context, x_run: Stage, why: str) -> str:
    """What to tell a user whose x-run has no label, with a command that trains it longer."""
    longer = [f"x_run/population.generations = {2 * len(x_run.outcome.generations)}"]
    if x_run.outcome.low_score:
        longer.append("x_run/population.min_score = 0.0")
    if x_run.outcome.reason.startswith("converged"):
        longer.append("x_run/population.until_converged = False")
    bindings = " ".join(f"--gin_bindings='{binding}'" for binding in longer)
    return (
        f"the x-run learned no factor ({why}), so there is nothing to recurse on and its model is the run's: train it "
        f"longer by bin/extend {context.run.root} {bindings}, or begin again in another --output_dir with a wider "
        "search space."
    )


def _leaf_run(context: Context, x_run: Stage, posterior: tuple[np.ndarray, np.ndarray], number: int) -> Leaf:
    """Label, reduce, retrain, from the x-model and its posterior of all images down to the last factor.

    Starts from plateau number ``number``.
    """
    stage, images, indices = x_run, context.images, np.arange(len(context.images))
    paths, labels, records = context.run.paths, LeafLabels(), []
    key, cost = IterationKey(number, 0), 0
    while True:
        low = stage.outcome.low_score
        found, labels = iterate(labels, indices, *posterior, stage.best.score, x_peak=number, nothing_left=low)
        records.append(context.run.unit(key, partial(_record, found, stage.name)))
        if len(labels):
            labels.save(paths.labels(key.leaf_name))
        context.callback.on_message(f"{key.text}: {_describe(found)}")
        if found.stop is not None:
            return Leaf(labels, records, cost)
        indices = np.asarray(found.kept)
        images = context.images.subset(indices)
        key = IterationKey(number, key.iteration + 1)
        files.write_npy(paths.indices(key), indices)
        stage = train_population(context, key.text, "leaf_run", images, _udr("leaf_run"), min_score=MIN_UDR)
        cost += stage.images_spent
        posterior = stage.encode(images)


def _record(found: Iteration, stage: str) -> dict[str, Any]:
    record = {**to_json(found), "stage": stage}
    if record["reduction"]:
        record["reduction"]["kept"] = []  # long, and in labels.npz as the images of the next iteration
    return record


def _describe(found: Iteration) -> str:
    said = f"{found.images} images, latents {list(found.latents)} learned"
    if found.again:
        said += f", {list(found.again)} of them again"
    if found.stop is not None:
        return f"{said}; stops: {found.stop.explanation}"
    said += f"; {len(found.kept)} images share one value of {list(found.held)} and go on"
    free = [latent for latent in found.latents if latent not in found.held]
    return f"{said}; {free}, without a plateau to take, still vary among them" if free else said


def _random_members(context: Context, x_run: Stage, num_images: int) -> dict[str, Any]:
    """What the x-run's first members reach with as many images as the final model, and no search."""
    name = RANDOM_MEMBERS
    first = [
        Member(index, 0, None, member.hyperparameters, derive(context.seed, name, index))
        for index, member in enumerate(x_run.outcome.generations[0])
    ]
    settings = PopulationSettings(size=len(first), models=1, generations=1, images=num_images)
    context.callback.on_score_chosen(name, "MIG")
    context.callback.on_stage_begin(name, settings, num_images, len(context.images))
    # Measured on the points that the final model is measured on.
    task = MemberTask(
        context.learner, context.run.paths, name, context.images, num_images, 1, Measurement(), context.seed
    )
    trained = train_members(context.run, name, first, task, context.executor, context.callback)
    context.callback.on_generation_end(name, trained)
    scores = [member.details["measured"][0] for member in trained if member.status == "scored"]
    return {"first_generation.images_trained": num_images, **_of_random_members(scores, len(first))}


def _of_random_members(scores: list[dict[str, float]], members: int) -> dict[str, Any]:
    """Summary of the measured ones among so many random members; those not measured have failed.

    ``median_*`` is over the measured ones, ``median_with_failed_*`` over all, where a failed one has 0, the worst
    that these scores can be. ``best_*`` are the scores of one member, the best by MIG.
    """
    found: dict[str, Any] = {
        "first_generation.members": members,
        "first_generation.failed": members - len(scores),
    }
    if not scores:
        return found
    best = max(scores, key=lambda measured: measured["discrete_mig"])
    for key in best:
        values = [measured[key] for measured in scores]
        with_failed = values + [0.0] * (members - len(scores))
        found[f"first_generation.median_{key}"] = float(np.median(values))
        found[f"first_generation.median_with_failed_{key}"] = float(np.median(with_failed))
        found[f"first_generation.best_{key}"] = best[key]
    return found
