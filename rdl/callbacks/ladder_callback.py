"""Watches a ladder learn: information per level to TensorBoard, and a picture at the end of every step."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from rdl.callbacks import ladder_pictures
from rdl.callbacks.callback import Callback
from rdl.models.ladder.levels import Levels
from rdl.models.ladder.schedule import ProgressiveSchedule
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings
from rdl.population.evolution import rank_members
from rdl.runs import Run, files


class LadderCallback(Callback):
    """Keeps the KL of the best model's latents, generation by generation, and draws what each step has learned.

    Args:
      run: where pictures and events go.
      levels: of the ladder.
      schedule: of its steps.
      example: uint8 [height, width, channels], the image that the traversals start from.
      best_model: stage, member and number of models -> the member's best model, or None where it is gone.
    """

    def __init__(
        self,
        run: Run,
        levels: Levels,
        schedule: ProgressiveSchedule,
        example: np.ndarray,
        best_model: Callable[[str, Member, int], TrainedModel | None],
    ):
        self._run, self._best_model = run, best_model
        self.levels, self.schedule, self.example = levels, schedule, example
        self.kl: list[list[float]] = []  # [generations][latents], nats
        self.updates: list[int] = []  # that the best member had made by the end of each generation
        self._made: dict[int, int] = {}  # the same for all members of the last generation, by their index
        self._num_images = self._num_models = 0  # known when the stage begins
        self._writer: tf.summary.SummaryWriter | None = None

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Remembers how much a generation trains."""
        self._num_images, self._num_models = num_images, settings.models

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """One point on each level's curve; at the last generation of a step, its picture."""
        trained = rank_members(members)
        self._made = {member.index: self._before(member) + self._updates(member) for member in trained}
        best = trained[0]
        made = self._made[best.index]
        self.kl.append(best.details["kl"][int(np.argmax(best.details["per_model"]))])
        self.updates.append(made)
        with self._events().as_default():
            for name, where in zip(self.levels.names, self.levels.slices, strict=True):
                tf.summary.scalar(f"levels/kl_{name}", sum(self.kl[-1][where]), made)
            tf.summary.scalar("levels/step", int(self.schedule.at(made - 1).step), made)
            tf.summary.scalar("levels/fade_in", float(self.schedule.at(made - 1).fade_in), made)
        step = int(self.schedule.at(made - 1).step)
        if int(self.schedule.at(made - 1 + self._updates(best)).step) != step:
            self._draw_step(stage, step, best)

    def _before(self, member: Member) -> int:
        """Updates that the member's parent had made: ancestors may have had other batch sizes."""
        return 0 if member.parent is None else self._made[member.parent]

    def _updates(self, member: Member) -> int:
        """Updates that the member made in its own generation."""
        return -(-self._num_images // int(member.hyperparameters["batch_size"]))

    def _draw_step(self, stage: str, step: int, best: Member) -> None:
        if self._run.paths.result(f"levels_step_{step}.png").exists():
            return
        model = self._best_model(stage, best, self._num_models)
        if model is None:
            return
        title = f"The end of step {step} of {self.schedule.num_steps}; inactive levels change nothing yet"
        picture = ladder_pictures.traversals(model, self.levels, self.example, np.array(self.kl[-1]), title)
        self.show(f"levels_step_{step}", picture)

    def show(self, name: str, picture: Image.Image) -> None:
        """Writes a picture to ``results/`` and to TensorBoard."""
        with files.replacing(self._run.paths.result(f"{name}.png")) as file:
            picture.save(file, format="png")
        with self._events().as_default():
            tf.summary.image(name, np.asarray(picture)[None], self.updates[-1])

    def starts(self) -> list[int]:
        """The updates at which the steps after the first began."""
        borders = [step * self.schedule.updates_per_step for step in range(1, self.schedule.num_steps)]
        return [border for border in borders if border < self.updates[-1]]

    def _events(self) -> tf.summary.SummaryWriter:
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._run.paths.events("levels")))
        return self._writer

    def close(self) -> None:
        """Writes out what is still in memory."""
        if self._writer is not None:
            self._writer.close()
