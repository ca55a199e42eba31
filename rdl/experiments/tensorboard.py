"""TensorBoard: scalars of members and generations as they are done."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from rdl.experiments.watching import Watcher
from rdl.population import Member, Settings
from rdl.runs import Run


class TensorBoard(Watcher):
    """Writes events under ``tensorboard/`` in the run directory; a resumed run adds to them.

    The x axis is the generation. Per member: score, loss terms, KL per latent, hyperparameters, parent. Per
    generation: best, median and worst score, and the spread of each hyperparameter.
    """

    def __init__(self, run: Run):
        self._run = run
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def _writer(self, name: str) -> tf.summary.SummaryWriter:
        if name not in self._writers:
            self._writers[name] = tf.summary.create_file_writer(str(self._run.path("tensorboard", name)))
        return self._writers[name]

    def member_done(self, stage: str, member: Member) -> None:
        """One point on each of the member's curves."""
        step = member.generation
        with self._writer(f"{stage}/member_{member.index:03d}").as_default():
            if member.status == "failed":
                tf.summary.text("failed", member.reason, step)
                return
            tf.summary.scalar("member/score", member.score, step)
            for name, value in member.hyperparameters.items():
                tf.summary.scalar(f"hyperparameters/{name}", value, step)
            for name, value in member.details.get("terms", {}).items():
                tf.summary.scalar(f"loss/{name}", value, step)
            for latent, nats in enumerate(_best_model_kl(member)):
                tf.summary.scalar(f"kl/latent_{latent}", nats, step)
            parent = member.index if member.parent is None else member.parent
            tf.summary.scalar("member/parent", parent, step)

    def generation_done(self, stage: str, members: Sequence[Member]) -> None:
        """Best, median and worst score; hyperparameters of all members; who came from whom."""
        step = members[0].generation
        scores = [member.score for member in members if member.score is not None]
        with self._writer(f"{stage}/population").as_default():
            if scores:
                for name, value in (("best", max(scores)), ("median", np.median(scores)), ("worst", min(scores))):
                    tf.summary.scalar(f"score/{name}", value, step)
            tf.summary.scalar("score/failed_members", len(members) - len(scores), step)
            for name in members[0].hyperparameters:
                values = [float(np.log10(max(member.hyperparameters[name], 1e-12))) for member in members]
                tf.summary.histogram(f"hyperparameters/log10_{name}", values, step)
            tf.summary.text("members", _table(members), step)
            self._writer(f"{stage}/population").flush()

    def stage_begins(self, stage: str, settings: Settings, num_images: int, data_size: int) -> None:
        """What is about to be trained, as text."""
        with self._writer(f"{stage}/population").as_default():
            text = f"{settings.size} members x {settings.models} models; {num_images:,} images a generation, "
            text += f"from a data set of {data_size:,}"
            tf.summary.text("stage", text, 0)

    def close(self) -> None:
        """Writes out what is still in memory."""
        for writer in self._writers.values():
            writer.close()


def _best_model_kl(member: Member) -> list[float]:
    kl, per_model = member.details.get("kl", []), member.details.get("per_model", [])
    return kl[int(np.argmax(per_model))] if kl else []


def _table(members: Sequence[Member]) -> str:
    """The generation as Markdown, best first."""
    names = sorted(members[0].hyperparameters)
    lines = ["| member | score | parent | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 3)]
    for member in sorted(members, key=lambda m: (m.score is None, -(m.score or 0), m.index)):
        score = "failed" if member.score is None else f"{member.score:.4f}"
        parent = "" if member.parent in (None, member.index) else str(member.parent)
        values = " | ".join(f"{member.hyperparameters[name]:.4g}" for name in names)
        lines.append(f"| {member.index} | {score} | {parent} | {values} |")
    return "\n".join(lines)
