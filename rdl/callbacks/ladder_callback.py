"""Follows a ladder model: the KL of every level in TensorBoard, and a picture at the end of every step."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from rdl.callbacks import ladder_pictures
from rdl.callbacks.callback import Callback
from rdl.callbacks.event_writer import EventWriter
from rdl.models.ladder.levels import Levels
from rdl.models.ladder.schedule import ProgressiveSchedule
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings
from rdl.population.evolution import rank_members
from rdl.runs import RunDirectory, files


class LadderCallback(Callback):
    """Records the KL of the best model's latents in every generation, and draws its traversals after every step.

    Args:
      run: for pictures and events.
      levels: of the ladder.
      schedule: of its steps.
      example: uint8 [height, width, channels], the image of the traversals.
      best_model: (stage, member, number of models) -> the member's best model; None if its checkpoint is deleted.
    """

    def __init__(
        self,
        run: RunDirectory,
        levels: Levels,
        schedule: ProgressiveSchedule,
        example: np.ndarray,
        best_model: Callable[[str, Member, int], TrainedModel | None],
    ):
        self._run, self._best_model = run, best_model
        self.levels, self.schedule, self.example = levels, schedule, example
        self.kl: list[list[float]] = []  # [generations][latents], nats
        self.updates: list[int] = []  # of the best member by the end of each generation
        self._updates_of: dict[int, int] = {}  # of every member of the last generation, by its index
        self._num_images = self._num_models = 0  # set when the stage begins
        self._writer = EventWriter(run.paths.events("levels"))

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Records the size of a generation."""
        self._num_images, self._num_models = num_images, settings.models

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Writes the KL of every level; in the last generation of a step, also a picture."""
        trained = rank_members(members)
        self._updates_of = {member.index: self._count_before(member) + self._count(member) for member in trained}
        best = trained[0]
        updates = self._updates_of[best.index]
        self.kl.append(best.details["kl"][int(np.argmax(best.details["per_model"]))])
        self.updates.append(updates)
        schedule = self.schedule.at(updates - 1)
        for name, latents in zip(self.levels.names, self.levels.slices, strict=True):
            self._writer.scalar(f"levels/kl_{name}", sum(self.kl[-1][latents]), updates)
        self._writer.scalar("levels/step", int(schedule.step), updates)
        self._writer.scalar("levels/fade_in", float(schedule.fade_in), updates)
        if int(self.schedule.at(updates - 1 + self._count(best)).step) != int(schedule.step):
            self._draw_step(stage, int(schedule.step), best)

    def _count_before(self, member: Member) -> int:
        """Updates of the member's parent: its ancestors may have had other batch sizes."""
        return 0 if member.parent is None else self._updates_of[member.parent]

    def _count(self, member: Member) -> int:
        """Updates of the member in its own generation."""
        return -(-self._num_images // int(member.hyperparameters["batch_size"]))

    def _draw_step(self, stage: str, step: int, best: Member) -> None:
        if self._run.paths.result(f"levels_step_{step}.png").exists():
            return
        model = self._best_model(stage, best, self._num_models)
        if model is not None:
            title = f"The end of step {step} of {self.schedule.num_steps}; inactive levels have no effect yet"
            kl = np.array(self.kl[-1])
            picture = ladder_pictures.draw_level_traversals(model, self.levels, self.example, kl, title)
            self.save_picture(f"levels_step_{step}", picture)

    def save_picture(self, name: str, picture: Image.Image) -> None:
        """Writes a picture to ``results/`` and to TensorBoard."""
        with files.replacing(self._run.paths.result(f"{name}.png")) as file:
            picture.save(file, format="png")
        self._writer.image(name, np.asarray(picture), self.updates[-1])

    def step_starts(self) -> list[int]:
        """The updates at which the second and later steps began."""
        borders = [step * self.schedule.updates_per_step for step in range(1, self.schedule.num_steps)]
        return [border for border in borders if border < self.updates[-1]]

    def close(self) -> None:
        """Writes buffered events to disk."""
        self._writer.close()
