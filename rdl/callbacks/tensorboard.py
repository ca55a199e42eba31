"""Writes members, generations and the best model of every stage to TensorBoard."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tensorboard.plugins.hparams import api as hp

from rdl.callbacks import pictures
from rdl.callbacks.callback import Callback
from rdl.callbacks.event_writer import EventWriter
from rdl.data import ImageSet
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings, SearchSpace
from rdl.population.evolution import rank_members
from rdl.report.population_section import DIMENSION_WISE_KL_NOTE
from rdl.results.model_card.markdown import format_table
from rdl.results.pool_table import EVIDENCE, LABEL_COLUMNS, STAGE_COLUMNS, read_pool_table
from rdl.runs import RunDirectory, RunReader

_DESCRIPTIONS = {  # loss term -> the text beside its chart
    "dimension_wise_kl": DIMENSION_WISE_KL_NOTE,
    "weighted_total_correlation": "Estimated from a minibatch, which overestimates the total correlation.",
}


class TensorBoard(Callback):
    """Writes events in the run directory; a resumed run adds the events that are missing.

    The x axis is the generation. Every tag starts with the stage, which groups the charts of a stage.

      tensorboard/                     the configuration
      tensorboard/STAGE/population     best, median and worst score, the spread of hyperparameters, a table of all
                                       members and their parents, the label pool after the stage
      tensorboard/STAGE/best           pictures of the stage's best model
      trials/STAGE/003_from_002        one trial: a member from the generation in which it begins or copies a better
                                       member, to the next copy. Score, active latents if the score is UDR, loss
                                       terms, KL per latent, parent; a row of the HParams tab

    Trials have a folder of their own, because TensorBoard's older tabs select no run where there are more than 40.
    """

    def __init__(self, run: RunDirectory, seed: int):
        self._paths, self._seed = run.paths, seed
        self._writers: dict[Path, EventWriter] = {}
        self._trials: dict[tuple[str, int], Path] = {}  # open trials, by stage and index of the member
        self._starts: dict[int, int] = {}  # first generation of the last generation's trials, by index of the member
        self._has_config = False

    def _writer(self, folder: Path) -> EventWriter:
        if folder not in self._writers:
            self._writers[folder] = EventWriter(folder)
        return self._writers[folder]

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Writes the size of the stage; before the first stage, also the configuration."""
        self._starts = {}
        if not self._has_config:
            self._write_config(settings.search_space or SearchSpace())
        size = f"{settings.size} members x {settings.models} models"
        text = f"{size}; {num_images:,} images per generation from a data set of {data_size:,}"
        self._writer(self._paths.events(stage, "population")).text(f"{stage}/size", text, 0)

    def _write_config(self, space: SearchSpace) -> None:
        self._has_config = True
        config = self._paths.config_text.read_text(encoding="utf-8", errors="replace")
        self._writer(self._paths.events()).text(
            "configuration", "\n".join(f"    {line}" for line in config.splitlines()), 0
        )
        dimensions = [
            hp.HParam(name, hp.RealInterval(float(dimension.low), min(float(dimension.high), 1e9)))
            for name, dimension in sorted(space.dimensions.items())
        ]
        metrics = [hp.Metric("score", display_name="score")]
        self._writer(self._paths.trials()).hparams_config([hp.HParam("stage"), *dimensions], metrics)
        for folder in (self._paths.events(), self._paths.trials()):
            self._writers.pop(folder).close()

    def on_member_end(self, stage: str, member: Member) -> None:
        """Writes a point on each curve of the member's trial."""
        step, start = member.generation, self._find_start(member)
        writer = self._trial_writer(stage, member, start)
        if step == start:
            writer.hparams({"stage": stage} | member.hyperparameters, f"{stage}/{member.name}")
        if member.score is None:
            writer.text(f"{stage}/failed", member.reason, step)
            return
        parent = member.index if member.parent is None else member.parent
        scalars = {"score": member.score, f"{stage}/score": member.score, f"{stage}/parent": parent}
        scalars |= {f"{stage}/hyperparameters/{name}": value for name, value in member.hyperparameters.items()}
        scalars |= {f"{stage}/kl/latent_{latent}": kl for latent, kl in enumerate(_best_model_kl(member))}
        if member.active_latents is not None:
            scalars[f"{stage}/active_latents"] = member.active_latents
        for tag, value in scalars.items():
            writer.scalar(tag, value, step)
        for name, value in member.details.get("terms", {}).items():
            writer.scalar(f"{stage}/loss/{name}", value, step, _DESCRIPTIONS.get(name))

    def _find_start(self, member: Member) -> int:
        """First generation of the member's trial: its own if it has just begun or has copied another member."""
        if member.parent != member.index:
            return member.generation
        return self._starts.get(member.index, member.generation)

    def _trial_writer(self, stage: str, member: Member, start: int) -> EventWriter:
        folder = self._paths.trials(stage, f"{member.index:03d}_from_{start:03d}")
        before = self._trials.get((stage, member.index))
        if before is not None and before != folder:
            self._writers.pop(before).close()  # a long search has more trials than a process may have open files
        self._trials[stage, member.index] = folder
        return self._writer(folder)

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Writes the scores, hyperparameters and parents of a generation, and members that a killed run left out."""
        for member in members:
            self.on_member_end(stage, member)
        self._starts = {member.index: self._find_start(member) for member in members}
        step = members[0].generation
        scores = [member.score for member in members if member.score is not None]
        writer = self._writer(self._paths.events(stage, "population"))
        if scores:
            for name, value in (("best", max(scores)), ("median", np.median(scores)), ("worst", min(scores))):
                writer.scalar(f"{stage}/score_{name}", value, step)
            active = rank_members(members)[0].active_latents
            if active is not None:
                writer.scalar(f"{stage}/active_latents_of_the_best", active, step)
        writer.scalar(f"{stage}/unscored_members", len(members) - len(scores), step)
        for name in members[0].hyperparameters:
            values = [float(np.log10(max(member.hyperparameters[name], 1e-12))) for member in members]
            writer.histogram(f"{stage}/log10_{name}", values, step)
        writer.text(f"{stage}/members", _format_members(members), step)
        for folder in self._open_folders(stage):
            self._writers[folder].flush()

    def on_stage_end(self, stage: str, generation: int, model: TrainedModel, images: ImageSet) -> None:
        """Writes reconstructions and traversals of the stage's best model, once."""
        writer = self._writer(self._paths.events(stage, "best"))
        if not writer.has(f"{stage}/traversals", generation):
            for name, picture in pictures.draw_thumbnails(model, images, self._seed).items():
                writer.image(f"{stage}/{name}", picture, generation)
        for folder in self._open_folders(stage):
            self._writers.pop(folder).close()
        self._trials = {key: folder for key, folder in self._trials.items() if folder in self._writers}

    def on_labels_selected(self, stage: str) -> None:
        """Writes the label pool as it is after the stage."""
        pool = read_pool_table(RunReader(self._paths))
        if pool is not None:
            writer = self._writer(self._paths.events(stage, "population"))
            tables = format_table(LABEL_COLUMNS, pool.label_rows), format_table(STAGE_COLUMNS, pool.stage_rows)
            writer.text(f"{stage}/label_pool", "\n\n".join([*tables, EVIDENCE]), 0)
            writer.flush()

    def _open_folders(self, stage: str) -> list[Path]:
        folders = {self._paths.events(stage), self._paths.trials(stage)}
        return [folder for folder in self._writers if folders & set(folder.parents)]

    def close(self) -> None:
        """Writes buffered events to disk."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def _best_model_kl(member: Member) -> list[float]:
    kl, per_model = member.details.get("kl", []), member.details.get("per_model", [])
    return kl[int(np.argmax(per_model))] if kl else []


def _format_members(members: Sequence[Member]) -> str:
    """The generation as a Markdown table, best first."""
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
