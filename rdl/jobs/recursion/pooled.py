"""The recursion with a label pool: labels from all models of the populations, in the loss of the final run.

It differs from the paper's recursion (`rdl.jobs.rpu_vae`) in three places:

1. A label comes from whichever model of a population has its factor cleanest, not from one x-model for all factors.
2. A leaf run holds fixed as many labels as leave enough images, not all or nothing.
3. The final run has the labels in its loss (`rdl.models.objectives.pooled_labels`), and judges its members by labels of
   other models than those it was trained on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rdl.jobs import finish
from rdl.jobs.context import Context
from rdl.jobs.recursion import summary as summaries
from rdl.jobs.recursion.budget import RecursionBudget
from rdl.jobs.recursion.unsupervised import MIN_UDR, scoped_udr
from rdl.jobs.stage import Stage, StageSpec, score_seed, train_population
from rdl.recursion.hold_fixed import HeldImages, hold_fixed
from rdl.runs.layout import HeldKey, PoolKey
from rdl.scoring.label_mig import LabelMIGScore
from rdl.seeds import generator
from rdl.verdict import POINTS, Codes
from rdl.verdict.label_pool import (
    LabelSource,
    PooledLabel,
    PoolRules,
    find_candidates,
    normal_scores,
    select_labels,
)


@dataclass(frozen=True)
class LabelPool:
    """Labels of the images.

    Attributes:
      labels: their sources and evidence, in the order in which they were found.
      values: float32 [images, labels], NaN where an image does not carry the label.
      judges: the same factors by the latents that judge a model trained on `values`, float32 [images, labels].
    """

    labels: tuple[PooledLabel, ...]
    values: np.ndarray
    judges: np.ndarray

    @classmethod
    def empty(cls, images: int) -> "LabelPool":
        """A pool without labels."""
        return cls((), np.zeros((images, 0), np.float32), np.zeros((images, 0), np.float32))


def run(context: Context, x_run: Stage, leaf_runs: int, budget: RecursionBudget) -> dict[str, Any]:
    """Runs everything after the x-run and returns the summary."""
    everything = np.arange(len(context.images))
    pool = add_labels(context, x_run, LabelPool.empty(len(everything)), everything)
    new = [len(pool.labels)]
    for number in range(leaf_runs):
        budget.start_leaf_run(number)
        held = _hold_fixed(context, pool, number)
        if not held.labels:
            break
        images = context.images.subset(held.images)
        spec = StageSpec(
            f"leaf_{number}/iteration_1", "leaf_run", images, scoped_udr("leaf_run"), MIN_UDR, keeps_generation=True
        )
        leaf = train_population(context, spec)
        budget.spend(leaf)
        before = len(pool.labels)
        pool = add_labels(context, leaf, pool, held.images)
        new.append(len(pool.labels) - before)
    if not pool.labels:
        why = "no latent is one factor by its evidence"
        return summaries.of_x_run_alone(x_run, why) | finish.export_result(context, x_run)

    score = LabelMIGScore(pool.judges, seed=score_seed(context.seed, "final"))
    final = train_population(
        context,
        StageSpec(
            "final", "final", context.images, score, budget=budget.left(), in_verdict=True, is_result=True,
            labels=normal_scores(pool.values),
        ),
    )  # fmt: skip
    summary = {
        "images_trained": final.num_images,
        "leaf_runs": len(new) - 1,
        **summaries.of_x_model(x_run),
        "pool.labels": len(pool.labels),
        **{f"leaf_{number}.labels_learned": count for number, count in enumerate(new[1:])},
        "final.label_mig": final.best.score,
        **final.selection("final"),
    }
    summary |= summaries.of_measurements(x_run, final, final.num_images, budget.random_members)
    return summary | finish.export_result(context, final, x_run)


def add_labels(context: Context, stage: Stage, pool: LabelPool, indices: np.ndarray) -> LabelPool:
    """Adds to the pool the labels that a stage's last generation has found.

    Args:
      context: of the job.
      stage: the population.
      pool: the labels found before.
      indices: numbers of the stage's images in the data set, [n].
    """
    record = context.run.unit(PoolKey(stage.name), lambda: {"labels": _select(context, stage, pool, indices)})
    labels = [PooledLabel.from_json(each) for each in record["labels"]]
    for label in labels:
        context.callback.on_message(f"{stage.name}: label {len(pool.labels) + labels.index(label)} is {label}")
    if not labels:
        context.callback.on_message(f"{stage.name}: no new label")
        return pool
    encoded = {
        source: _values(context, stage, source, indices) for label in labels for source in (label.source, label.judge)
    }
    values = np.stack([encoded[label.source] for label in labels], axis=1)
    judges = np.stack([encoded[label.judge] for label in labels], axis=1)
    return LabelPool((*pool.labels, *labels), np.hstack([pool.values, values]), np.hstack([pool.judges, judges]))


def _select(context: Context, stage: Stage, pool: LabelPool, indices: np.ndarray) -> list[dict[str, Any]]:
    context.callback.on_message(f"{stage.name}: comparing the latents of all models")
    drawn = np.sort(generator(context.seed, stage.name, "pool").permutation(len(indices))[:POINTS])
    models = stage.last_generation
    codes = [Codes(*context.learner.encode(each, stage.images, drawn)) for each in models]
    names = [(each.member.name, each.model) for each in models]
    candidates = find_candidates(stage.name, names, codes, context.seed)
    known = pool.values[indices[drawn]]
    return [
        label.to_json() for label in select_labels(candidates, known, [label.kl for label in pool.labels], PoolRules())
    ]


def _values(context: Context, stage: Stage, source: LabelSource, indices: np.ndarray) -> np.ndarray:
    """The source's posterior means on its stage's images, NaN elsewhere, float32 [images]."""
    (model,) = (
        each for each in stage.last_generation if (each.member.name, each.model) == (source.member, source.model)
    )
    means, _ = context.learner.encode(model, stage.images)
    values = np.full(len(context.images), np.nan, np.float32)
    values[indices] = means[:, source.latent]
    return values


def _hold_fixed(context: Context, pool: LabelPool, number: int) -> HeldImages:
    held = hold_fixed(pool.values, number)
    record = context.run.unit(HeldKey(number), lambda: {
        "images": len(held.images), "labels": list(held.labels), "ranges": [list(each) for each in held.ranges]
    })  # fmt: skip
    text = (
        f"{record['images']} images share a value of labels {record['labels']}"
        if held.labels
        else ("no label leaves enough images")
    )
    context.callback.on_message(f"leaf_{number}: {text}")
    return held
