"""The summary of a recursion: flat keys for ``results/summary.json``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.learner import MemberTask
from rdl.jobs.recursion.leaf_run import Leaf
from rdl.jobs.stage import Stage
from rdl.population import Member, PopulationSettings, train_members
from rdl.runs.keys import RANDOM_MEMBERS
from rdl.scoring import Measurement
from rdl.seeds import derive


def summarize_recursion(x_run: Stage, leaves: Sequence[Leaf], final: Stage, random_members: bool) -> dict[str, Any]:
    """The summary of a finished recursion. Measures its models, and random members if requested."""
    images = final.num_images + (x_run.num_images if final.spec.start else 0)
    summary: dict[str, Any] = {
        "images_trained": images,
        "leaf_runs": len(leaves),
        "iterations": sum(len(leaf.iterations) for leaf in leaves),
        **summarize_x_model(x_run),
        "final.leaf_mig": final.best.score,
        **final.selection("final"),
    }
    for number, leaf in enumerate(leaves):
        summary[f"leaf_{number}.labels_learned"] = leaf.labels_learned
        summary[f"leaf_{number}.iterations"] = len(leaf.iterations)
        summary[f"leaf_{number}.stopped"] = leaf.iterations[-1]["stop"]
    return summary | measure_result(x_run, final, images, random_members)


def summarize_x_model(x_run: Stage) -> dict[str, Any]:
    """The x-model's part of the summary: its scores, its images and the reason why the x-run stopped."""
    best = x_run.best
    summary = {
        "x_model.score": best.score,
        "x_model.udr": float(np.mean(best.details.get("udr") or [best.score])),
        **x_run.selection("x_model"),
        "x_model.images_trained": x_run.num_images,
        "x_model.stopped": x_run.outcome.reason,
    }
    return summary | (x_run.measure("x_model") if x_run.images.factor_space is not None else {})


def measure_result(x_run: Stage, final: Stage, num_images: int, random_members: bool) -> dict[str, Any]:
    """The final model's scores on the true factors, and those of random members; empty without true factors."""
    if final.images.factor_space is None:
        return {}
    measured = final.measure("final")
    return measured | (_train_random_members(final.context, x_run, num_images) if random_members else {})


def summarize_x_run_alone(x_run: Stage, why: str) -> dict[str, Any]:
    """The summary if the x-run learned no factor. Warns, and names a command that trains the x-run longer."""
    x_run.context.callback.on_message(f"warning: {_explain_nothing_learned(x_run, why)}")
    ended = {"images_trained": x_run.num_images, "final.stopped": "not started: the x-run learned no factor"}
    return ended | summarize_x_model(x_run)


def _explain_nothing_learned(x_run: Stage, why: str) -> str:
    longer = [f"x_run/population.generations = {2 * len(x_run.outcome.generations)}"]
    if x_run.outcome.low_score:
        longer.append("x_run/population.min_score = 0.0")
    if x_run.outcome.reason.startswith("converged"):
        longer.append("x_run/population.until_converged = False")
    flags = " ".join(f"--gin_bindings='{binding}'" for binding in longer)
    return (
        f"the x-run learned no factor ({why}), so there is no recursion and the x-model is the result. To train it "
        f"longer: bin/extend {x_run.context.run.root} {flags}; or start again in another --output_dir with a wider "
        "search space."
    )


def _train_random_members(context: Context, x_run: Stage, num_images: int) -> dict[str, Any]:
    """Trains the x-run's first members on as many images as the final model, without search."""
    name = RANDOM_MEMBERS
    first = [
        Member(index, 0, None, member.hyperparameters, derive(context.seed, name, index))
        for index, member in enumerate(x_run.outcome.generations[0])
    ]
    settings = PopulationSettings(size=len(first), models=1, generations=1, images=num_images)
    context.callback.on_score_chosen(name, "MIG")
    context.callback.on_stage_begin(name, settings, num_images, len(context.images))
    # Measured on the same points as the final model.
    task = MemberTask(
        context.learner, context.run.paths, name, context.images, num_images, 1, Measurement(), context.seed
    )
    trained = train_members(context.run, name, first, task, context.executor, context.callback)
    context.callback.on_generation_end(name, trained)
    scores = [member.details["measured"][0] for member in trained if member.status == "scored"]
    return {"first_generation.images_trained": num_images, **summarize_random_members(scores, len(first))}


def summarize_random_members(scores: list[dict[str, float]], members: int) -> dict[str, Any]:
    """Statistics of random members.

    Args:
      scores: scores of the measured members.
      members: number of all members, including those that failed.

    Returns:
      ``median_*`` over the measured members; ``median_with_failed_*`` over all members, where failed ones count as 0,
      the lowest value of these scores; ``best_*``, the scores of the member with the highest MIG.
    """
    summary: dict[str, Any] = {
        "first_generation.members": members,
        "first_generation.failed": members - len(scores),
    }
    if not scores:
        return summary
    best = max(scores, key=lambda measured: measured["discrete_mig"])
    for key in best:
        values = [measured[key] for measured in scores]
        with_failed = values + [0.0] * (members - len(scores))
        summary[f"first_generation.median_{key}"] = float(np.median(values))
        summary[f"first_generation.median_with_failed_{key}"] = float(np.median(with_failed))
        summary[f"first_generation.best_{key}"] = best[key]
    return summary
