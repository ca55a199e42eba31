"""A leaf run: labels the learned factors, keeps images that share their values, trains on these, and repeats."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.recursion.budget import RecursionBudget
from rdl.jobs.recursion.unsupervised import MIN_UDR, scoped_udr
from rdl.jobs.stage import Stage, StageSpec, train_population
from rdl.recursion import Iteration, LeafLabels, iterate, to_json
from rdl.runs import files
from rdl.runs.keys import IterationKey


@dataclass(frozen=True)
class Leaf:
    """The result of a leaf run.

    Attributes:
      labels: the labels of all iterations.
      iterations: the record of each iteration.
    """

    labels: LeafLabels
    iterations: list[dict[str, Any]]

    @property
    def labels_learned(self) -> int:
        """Number of labels of all iterations, without repetitions of earlier ones."""
        return sum(Iteration.from_json(record).labels_learned for record in self.iterations)


def run_leaf(
    context: Context, x_run: Stage, posterior: tuple[np.ndarray, np.ndarray], number: int, budget: RecursionBudget
) -> Leaf:
    """Labels, reduces and retrains, from the x-model until nothing is left to learn.

    Args:
      context: the job's context.
      x_run: the first population.
      posterior: the x-model's means and log variances of all images, each [n, latents].
      number: number of the leaf run, and rank of the image set that its first reduction keeps.
      budget: the budget from which every population is subtracted.
    """
    budget.start_leaf_run(number)
    stage, indices = x_run, np.arange(len(context.images))
    labels, records, key = LeafLabels(), [], IterationKey(number, 0)
    while True:
        low = stage.outcome.low_score
        found, labels = iterate(labels, indices, *posterior, stage.best.score, x_peak=number, nothing_left=low)
        records.append(context.run.unit(key, partial(_to_record, found, stage.name)))
        if len(labels):
            labels.save(context.run.paths.labels(key.leaf_name))
        context.callback.on_message(f"{key}: {_describe(found)}")
        if found.stop is not None:
            return Leaf(labels, records)
        indices = np.asarray(found.kept)
        images = context.images.subset(indices)
        key = IterationKey(number, key.iteration + 1)
        files.write_npy(context.run.paths.indices(str(key)), indices)
        stage = train_population(context, StageSpec(str(key), "leaf_run", images, scoped_udr("leaf_run"), MIN_UDR))
        budget.spend(stage)
        posterior = stage.encode(images)


def _to_record(found: Iteration, stage: str) -> dict[str, Any]:
    record = {**to_json(found), "stage": stage}
    if record["reduction"]:
        record["reduction"]["kept"] = []  # long, and also stored in indices.npy
    return record


def _describe(found: Iteration) -> str:
    text = f"{found.images} images, latents {list(found.latents)} learned"
    if found.again:
        text += f", {list(found.again)} of them repeat an earlier label"
    if found.stop is not None:
        return f"{text}; stops: {found.stop.explanation}"
    text += f"; {len(found.kept)} images share one value of {list(found.held)}"
    varying = [latent for latent in found.latents if latent not in found.held]
    return f"{text}; {varying} have no plateau and still vary" if varying else text
