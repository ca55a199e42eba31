"""The progressive schedule: which levels of a ladder learn when (Li et al., arXiv 2002.10549).

A step lasts a number of updates. Step s of S trains with the L - S + s deepest of the L levels active: S = L is
pro-VLAE, which starts with the deepest level alone; S = 1 is VLAE, which has all levels from the start.
"""

from dataclasses import dataclass

import gin
import tensorflow as tf

from rdl.errors import UserError


@dataclass(frozen=True)
class Phase:
    """Where a ladder stands at one update; vectors are [levels], deepest first.

    Attributes:
      step: 1 .. steps, int32 scalar.
      fade_in: the newest level's coefficient in [0, 1], scalar; 1 in the first step.
      active: 1 for active levels, 0 for the others.
      encoder_gates: factor of the input of each level's encoder branch. An inactive level's is 1: its branch is
        held to the prior by the pre-training KL.
      decoder_gates: factor of each level's feature map in the decoder; exactly 0 for inactive levels.
    """

    step: tf.Tensor
    fade_in: tf.Tensor
    active: tf.Tensor
    encoder_gates: tf.Tensor
    decoder_gates: tf.Tensor

    def kl_weights(self, beta: tf.Tensor | float, coefficient: tf.Tensor | float) -> tf.Tensor:
        """beta for active levels, the pre-training coefficient for inactive ones, [levels]."""
        return beta * self.active + coefficient * (1.0 - self.active)


@gin.configurable("progressive")
@dataclass(frozen=True)
class ProgressiveSchedule:
    """From the number of updates made to active levels and fade-in. The last step has no end.

    Attributes:
      levels: of the ladder.
      steps: None for one step per level (pro-VLAE); 1 for all levels from the start (VLAE).
      updates_per_step: how long a step lasts.
      fade_in_updates: the newest level of a step s > 1 comes in over so many updates, from 0 to 1; 0 for at once.
    """

    levels: int
    steps: int | None = None
    updates_per_step: int = 10_000
    fade_in_updates: int = 5_000

    def __post_init__(self):
        if self.levels < 1 or not 1 <= self.num_steps <= self.levels:
            raise UserError(
                f"A progressive schedule needs 1 <= steps <= levels, got steps = {self.steps} for {self.levels} levels."
            )
        if self.updates_per_step < 1 or self.fade_in_updates < 0:
            raise UserError(
                "A progressive schedule needs updates_per_step >= 1 and fade_in_updates >= 0, "
                f"got {self.updates_per_step} and {self.fade_in_updates}."
            )

    @property
    def num_steps(self) -> int:
        """How many steps there are."""
        return self.levels if self.steps is None else self.steps

    def at(self, update: tf.Tensor | int) -> Phase:
        """The phase at an update, counted from 0 since the weights were drawn.

        Args:
          update: int scalar, a tensor of a graph or a number.
        """
        update = tf.cast(update, tf.int32)
        step = tf.minimum(update // self.updates_per_step, self.num_steps - 1) + 1
        newest = self.levels - self.num_steps + step - 1  # its position, deepest first
        position = tf.range(self.levels)
        active = tf.cast(position <= newest, tf.float32)
        fade_in = tf.where(step > 1, self._fade_in(update - (step - 1) * self.updates_per_step), 1.0)
        gates = tf.where(position == newest, fade_in, 1.0)
        return Phase(step, fade_in, active, gates, gates * active)

    def _fade_in(self, iteration: tf.Tensor) -> tf.Tensor:
        if self.fade_in_updates == 0:
            return tf.constant(1.0)
        return tf.minimum(tf.cast(iteration, tf.float32) / self.fade_in_updates, 1.0)
