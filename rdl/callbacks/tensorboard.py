"""TensorBoard: what members and generations do as they are done, and what each stage's best model sees."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hp

from rdl.callbacks import pictures
from rdl.callbacks.callback import Callback
from rdl.data import ImageSet
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings, SearchSpace
from rdl.population.evolution import rank_members
from rdl.runs import Run, files


class TensorBoard(Callback):
    """Writes events in the run directory; a resumed run adds to them.

    The x axis is the generation; tags open with the stage, so that each stage's charts stand together.

      tensorboard/                     the configuration
      tensorboard/STAGE/population     best, median and worst score, the spread of hyperparameters, a table of all
                                       members and their parents
      tensorboard/STAGE/best           pictures of the stage's best model
      trials/STAGE/003_from_002        one trial: a member for as long as it keeps its hyperparameters, that is,
                                       until it takes over from a better one. Score, active latents where it is
                                       UDR, loss terms, KL per latent, parent; a row of the HParams tab

    Trials lie apart because TensorBoard selects no run at all in its older tabs where there are more than 40.
    """

    def __init__(self, run: Run, seed: int):
        self._paths, self._seed = run.paths, seed
        self._writers: dict[Path, tf.summary.SummaryWriter] = {}
        self._trials: dict[tuple[str, int], Path] = {}
        self._starts: dict[int, int] = {}  # of the last generation's trials, by their members' index
        self._introduced = False

    def _writer(self, folder: Path) -> tf.summary.SummaryWriter:
        if folder not in self._writers:
            files.make_folder(folder)  # tells a file in its place in one line
            self._writers[folder] = tf.summary.create_file_writer(str(folder))
        return self._writers[folder]

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """What is about to be trained, as text; before the first stage, the configuration."""
        self._starts = {}
        if not self._introduced:
            self._introduce(settings.search_space or SearchSpace())
        with self._writer(self._paths.events(stage, "population")).as_default():
            text = f"{settings.size} members x {settings.models} models; {num_images:,} images a generation, "
            text += f"from a data set of {data_size:,}"
            tf.summary.text(f"{stage}/what", text, 0)

    def _introduce(self, space: SearchSpace) -> None:
        self._introduced = True
        with self._writer(self._paths.events()).as_default():
            config = self._paths.config.read_text(encoding="utf-8", errors="replace")
            tf.summary.text("configuration", "\n".join(f"    {line}" for line in config.splitlines()), 0)
        with self._writer(self._paths.trials()).as_default():
            dimensions = [
                hp.HParam(name, hp.RealInterval(float(dimension.low), min(float(dimension.high), 1e9)))
                for name, dimension in sorted(space.dimensions.items())
            ]
            hp.hparams_config([hp.HParam("stage"), *dimensions], [hp.Metric("score", display_name="score")])
        for folder in (self._paths.events(), self._paths.trials()):
            self._writers.pop(folder).close()

    def on_member_end(self, stage: str, member: Member) -> None:
        """One point on each of the trial's curves."""
        step, start = member.generation, self._trial_start(member)
        with self._trial_writer(stage, member, start).as_default():
            if step == start:
                hp.hparams({"stage": stage} | member.hyperparameters, trial_id=f"{stage}/{member.name}")
            if member.status == "failed":
                tf.summary.text(f"{stage}/failed", member.reason, step)
                return
            tf.summary.scalar("score", member.score, step)
            tf.summary.scalar(f"{stage}/score", member.score, step)
            parent = member.index if member.parent is None else member.parent
            tf.summary.scalar(f"{stage}/parent", parent, step)
            for name, value in member.hyperparameters.items():
                tf.summary.scalar(f"{stage}/hyperparameters/{name}", value, step)
            for name, value in member.details.get("terms", {}).items():
                tf.summary.scalar(f"{stage}/loss/{name}", value, step)
            if member.active_latents is not None:
                tf.summary.scalar(f"{stage}/active_latents", member.active_latents, step)
            for latent, nats in enumerate(_best_model_kl(member)):
                tf.summary.scalar(f"{stage}/kl/latent_{latent}", nats, step)

    def _trial_start(self, member: Member) -> int:
        """The generation since which the member has its hyperparameters."""
        goes_on = member.parent == member.index
        return self._starts.get(member.index, member.generation) if goes_on else member.generation

    def _trial_writer(self, stage: str, member: Member, start: int) -> tf.summary.SummaryWriter:
        folder = self._paths.trials(stage, f"{member.index:03d}_from_{start:03d}")
        before = self._trials.get((stage, member.index))
        if before is not None and before != folder:
            self._writers.pop(before).close()  # a long search has more trials than a process may open files
        self._trials[stage, member.index] = folder
        return self._writer(folder)

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Best, median and worst score; hyperparameters of all members; who came from whom."""
        self._starts = {member.index: self._trial_start(member) for member in members}
        step = members[0].generation
        scores = [member.score for member in members if member.score is not None]
        with self._writer(self._paths.events(stage, "population")).as_default():
            if scores:
                for name, value in (("best", max(scores)), ("median", np.median(scores)), ("worst", min(scores))):
                    tf.summary.scalar(f"{stage}/score_{name}", value, step)
                active = rank_members(members)[0].active_latents
                if active is not None:
                    tf.summary.scalar(f"{stage}/active_latents_of_the_best", active, step)
            tf.summary.scalar(f"{stage}/unscored_members", len(members) - len(scores), step)
            for name in members[0].hyperparameters:
                values = [float(np.log10(max(member.hyperparameters[name], 1e-12))) for member in members]
                tf.summary.histogram(f"{stage}/log10_{name}", values, step)
            tf.summary.text(f"{stage}/members", _table(members), step)
        for folder in self._of(stage):
            self._writers[folder].flush()

    def on_stage_end(self, stage: str, generation: int, model: TrainedModel, images: ImageSet) -> None:
        """Reconstructions and traversals of the stage's best model; once, also where a run is resumed."""
        best = self._paths.events(stage, "best")
        if best.exists():
            return
        with self._writer(best).as_default():
            for name, picture in pictures.glance(model, images, self._seed).items():
                tf.summary.image(f"{stage}/{name}", picture[None], generation)
        for folder in self._of(stage):
            self._writers.pop(folder).close()

    def _of(self, stage: str) -> list[Path]:
        """Folders of the stage's open writers."""
        folders = {self._paths.events(stage), self._paths.trials(stage)}
        return [folder for folder in self._writers if folders & set(folder.parents)]

    def close(self) -> None:
        """Writes out what is still in memory."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def _best_model_kl(member: Member) -> list[float]:
    kl, per_model = member.details.get("kl", []), member.details.get("per_model", [])
    return kl[int(np.argmax(per_model))] if kl else []


def _table(members: Sequence[Member]) -> str:
    """The generation as Markdown, best first."""
    names = sorted(members[0].hyperparameters)
    lines = [
        "| member | score | active latents | parent | " + " | ".join(names) + " |",
        "|" + "---|" * (len(names) + 4),
    ]
    for member in sorted(members, key=lambda m: (m.score is None, -(m.score or 0), m.index)):
        score = "failed" if member.score is None else f"{member.score:.4f}"
        parent = "" if member.parent in (None, member.index) else str(member.parent)
        values = " | ".join(f"{member.hyperparameters[name]:.4g}" for name in names)
        active = "" if member.active_latents is None else f"{member.active_latents:.4g}"
        lines.append(f"| {member.index} | {score} | {active} | {parent} | {values} |")
    return "\n".join(lines)
