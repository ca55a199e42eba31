"""Judges a run's model without labels, by comparing its latents with those of independently trained models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.stage import Stage
from rdl.runs import files
from rdl.runs.keys import VerdictKey
from rdl.seeds import generator
from rdl.verdict import COMPARED_POINTS, POINTS, Codes, Verdict, explained_variance, gather_evidence, judge

_RECONSTRUCTED = 500  # images whose reconstruction is measured


def judge_model(context: Context, stage: Stage, before: Sequence[Stage] = ()) -> dict[str, Any]:
    """Judges the stage's best model, once per run, and writes the verdict to ``results/verdict.json``.

    Args:
      context: the job's context.
      stage: the stage whose best model is judged. Its independently trained models are compared with that model.
      before: earlier stages, whose models are compared as well, except the one that the stage started from.

    Returns:
      The verdict's part of the summary, with keys ``verdict.*``.
    """
    record = context.run.unit(VerdictKey(), lambda: _make_verdict(context, stage, before).to_json())
    verdict = Verdict.from_json(record)
    files.write_json(context.run.paths.verdict, record | {"text": str(verdict)})
    return verdict.summary


def _make_verdict(context: Context, stage: Stage, before: Sequence[Stage]) -> Verdict:
    context.callback.on_message("judging the model without labels")
    images = context.images
    drawn = generator(context.seed, "verdict", "points").permutation(len(images))[:POINTS]
    compared = np.sort(drawn[:COMPARED_POINTS])  # images are read fastest in ascending order
    points = np.concatenate([compared, np.sort(drawn[COMPARED_POINTS:])])
    earlier = [
        other for each in before for other in (each.trained, *each.independent_models) if other != stage.spec.start
    ]
    apart = [*stage.independent_models, *earlier]
    others = [Codes(*context.learner.encode(trained, images, compared)) for trained in apart]
    codes = Codes(*stage.encode(images, points))
    few = points[:_RECONSTRUCTED]
    reconstruction = explained_variance(images.images(few), stage.model().decode(codes.means[: len(few)]))
    return judge(gather_evidence(codes, others, context.seed), len(others), reconstruction)
