"""The verdict on a run's model without labels: gathers the codes of models trained apart, judges, writes it down."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rdl.jobs.context import Context
from rdl.jobs.stage import Stage
from rdl.runs import files
from rdl.runs.layout import VerdictKey
from rdl.seeds import generator
from rdl.verdict import COMPARED_POINTS, POINTS, Codes, Verdict, explained_variance, gather_evidence, judge

_RECONSTRUCTED = 500  # images


def judged(context: Context, stage: Stage, before: Sequence[Stage] = ()) -> dict[str, Any]:
    """Judges the stage's best model once a run; returns the verdict's part of the summary.

    Args:
      context: of the job.
      stage: whose best model is judged, beside the models of it that were trained apart from that one ..
      before: .. and beside those of earlier stages, which are not the ancestors of this one.
    """
    record = context.run.unit(VerdictKey(), lambda: _judge(context, stage, before).to_json())
    verdict = Verdict.from_json(record)
    files.write_json(context.run.paths.verdict, record | {"text": str(verdict)})
    return verdict.summary


def _judge(context: Context, stage: Stage, before: Sequence[Stage]) -> Verdict:
    context.callback.on_message("judging the model without labels")
    images = context.images
    drawn = generator(context.seed, "verdict", "points").permutation(len(images))[:POINTS]
    compared = np.sort(drawn[:COMPARED_POINTS])  # in order, as images are read fastest
    points = np.concatenate([compared, np.sort(drawn[COMPARED_POINTS:])])
    earlier = [other for each in before for other in (each.trained, *each.trained_apart) if other != stage.spec.start]
    apart = [*stage.trained_apart, *earlier]
    others = [Codes(*context.learner.encode(trained, images, compared)) for trained in apart]
    codes = Codes(*stage.encode(images, points))
    few = points[:_RECONSTRUCTED]
    reconstruction = explained_variance(images.images(few), stage.model().decode(codes.means[: len(few)]))
    return judge(gather_evidence(codes, others, context.seed), len(others), reconstruction)
