"""The recursion with a label pool, whose labels come from all models of the populations.

It differs from the paper's recursion (`rdl.jobs.rpu_vae`) in three places:

1. The label of a factor comes from the model of a population that separates it best, not from one x-model.
2. A leaf run holds as many labels fixed as leave enough images, instead of all labels or none.
3. The final run has the labels in its loss (`rdl.models.objectives.pooled_labels`). Its members are scored by labels
   from other models than the labels in the loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.export import export_result
from rdl.jobs.recursion.budget import RecursionBudget
from rdl.jobs.recursion.summary import measure_result, summarize_x_model, summarize_x_run_alone
from rdl.jobs.recursion.unsupervised import MIN_UDR, scoped_udr
from rdl.jobs.stage import Stage, StageSpec, score_seed, train_population
from rdl.recursion.hold_fixed import HeldFixedImages, hold_fixed
from rdl.runs import files
from rdl.runs.keys import HeldFixedKey, PoolKey
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
      labels: sources and evidence of the labels, in the order in which they were found.
      values: the labels' values, float32 [images, labels]; NaN if the source was not trained on the image.
      judges: values of the same factors from other models, which score models trained on `values`, float32
        [images, labels], NaN as in `values`.
      extrapolated: the sources' posterior means on all images, float32 [images, labels]. They show whether leaf runs on
        different images have found the same factor.
    """

    labels: tuple[PooledLabel, ...]
    values: np.ndarray
    judges: np.ndarray
    extrapolated: np.ndarray

    @classmethod
    def empty(cls, images: int) -> "LabelPool":
        """A pool without labels."""
        nothing = np.zeros((images, 0), np.float32)
        return cls((), nothing, nothing, nothing)


def run_with_pool(context: Context, x_run: Stage, leaf_runs: int, budget: RecursionBudget) -> dict[str, Any]:
    """Runs everything after the x-run and returns the summary."""
    everything, rules = np.arange(len(context.images)), PoolRules()
    pool = add_labels(context, x_run, LabelPool.empty(len(everything)), everything, rules)
    new = [len(pool.labels)]
    for number in range(leaf_runs):
        budget.start_leaf_run(number)
        held = _hold_fixed(context, pool, number)
        if not held.labels:
            break
        images = context.images.subset(held.images)
        name = f"leaf_{number}/iteration_1"
        keeps = not is_pool_saved(context, name)
        spec = StageSpec(name, "leaf_run", images, scoped_udr("leaf_run"), MIN_UDR, keeps_generation=keeps)
        leaf = train_population(context, spec)
        budget.spend(leaf)
        before = len(pool.labels)
        pool = add_labels(context, leaf, pool, held.images, rules)
        new.append(len(pool.labels) - before)
    if not pool.labels:
        why = "no latent has enough evidence of being one factor"
        return summarize_x_run_alone(x_run, why) | export_result(context, x_run)

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
        **summarize_x_model(x_run),
        "pool.labels": len(pool.labels),
        **{f"leaf_{number}.labels_learned": count for number, count in enumerate(new[1:])},
        "final.label_mig": final.best.score,
        **final.selection("final"),
    }
    summary |= measure_result(x_run, final, final.num_images, budget.random_members)
    return summary | export_result(context, final, x_run)


def is_pool_saved(context: Context, stage: str) -> bool:
    """Whether the labels of a stage are on disk. The checkpoints of their sources are then no longer needed."""
    record, path = context.run.journal.get(str(PoolKey(stage))), context.run.paths.pool(stage)
    return record is not None and path.is_file() and files.sha256(path) == record["sha256"]


def add_labels(context: Context, stage: Stage, pool: LabelPool, indices: np.ndarray, rules: PoolRules) -> LabelPool:
    """Adds the labels that the last generation of a stage has found to the pool.

    Args:
      context: the job's context.
      stage: the population.
      pool: the labels found before.
      indices: numbers of the stage's images in the data set, [n].
      rules: thresholds of the evidence.
    """
    key, path = str(PoolKey(stage.name)), context.run.paths.pool(stage.name)
    if not is_pool_saved(context, stage.name):
        record = context.run.journal.get(key)
        labels = _select(context, stage, pool, indices, rules) if record is None else _read_labels(record)
        sources = {source for label in labels for source in (label.source, label.judge)}
        values = {source: _encode_source(stage, source) for source in sources}
        shape = (len(context.images), len(labels))
        files.write_npz(
            path,
            {
                "values": _stack([values[label.source] for label in labels], shape),
                "judges": _stack([values[label.judge] for label in labels], shape),
            },
        )
        record = {"labels": [label.to_json() for label in labels], "sha256": files.sha256(path)}
        context.run.journal.append(key, record)
    stage.prune()
    labels = _read_labels(context.run.journal[key])
    for number, label in enumerate(labels, len(pool.labels)):
        context.callback.on_message(f"{stage.name}: label {number} is {label}")
    if not labels:
        context.callback.on_message(f"{stage.name}: no new label")
    context.callback.on_labels_selected(stage.name)
    with np.load(path, allow_pickle=False) as arrays:
        extrapolated, judges = arrays["values"], arrays["judges"]
    return LabelPool(
        (*pool.labels, *labels),
        np.hstack([pool.values, _only(extrapolated, indices)]),
        np.hstack([pool.judges, _only(judges, indices)]),
        np.hstack([pool.extrapolated, extrapolated]),
    )


def _select(
    context: Context, stage: Stage, pool: LabelPool, indices: np.ndarray, rules: PoolRules
) -> list[PooledLabel]:
    context.callback.on_message(f"{stage.name}: comparing the latents of all models")
    drawn = np.sort(generator(context.seed, stage.name, "pool").permutation(len(indices))[:POINTS])
    models = stage.last_generation
    codes = [Codes(*context.learner.encode(each, stage.images, drawn)) for each in models]
    names = [(each.member.name, each.model) for each in models]
    candidates = find_candidates(stage.name, names, [stage.lineage(each) for each in models], codes, context.seed)
    found = select_labels(candidates, pool.extrapolated[indices[drawn]], [label.kl for label in pool.labels], rules)
    return found[: codes[0].means.shape[1] - len(pool.labels)]  # each label takes a latent of the final model


def _encode_source(stage: Stage, source: LabelSource) -> np.ndarray:
    """The source's posterior means on all images of the data set, float32 [images]."""
    (model,) = (
        each for each in stage.last_generation if (each.member.name, each.model) == (source.member, source.model)
    )
    means, _ = stage.context.learner.encode(model, stage.context.images)
    return means[:, source.latent].astype(np.float32)


def _read_labels(record: Mapping[str, Any]) -> list[PooledLabel]:
    return [PooledLabel.from_json(each) for each in record["labels"]]


def _stack(columns: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.zeros(shape, np.float32)


def _only(values: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The values, with NaN for all images except these."""
    masked = np.full(values.shape, np.nan, np.float32)
    masked[indices] = values[indices]
    return masked


def _hold_fixed(context: Context, pool: LabelPool, number: int) -> HeldFixedImages:
    held = hold_fixed(pool.values, number)
    record = context.run.unit(HeldFixedKey(number), lambda: {
        "images": len(held.images), "labels": list(held.labels), "ranges": [list(each) for each in held.ranges]
    })  # fmt: skip
    text = (
        f"{record['images']} images share a value of labels {record['labels']}"
        if held.labels
        else ("no label leaves enough images")
    )
    context.callback.on_message(f"leaf_{number}: {text}")
    return held
