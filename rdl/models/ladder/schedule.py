"""The progressive schedule of a ladder's levels (Li et al., arXiv 2002.10549).

In step s of S, the L - S + s deepest of the L levels are active. S = L is pro-VLAE, which starts with the deepest level
only; S = 1 is VLAE, in which all levels are active from the start. Steps last a number of updates.
"""

from dataclasses import dataclass

import gin
import tensorflow as tf

from rdl.errors import UserError


@dataclass(frozen=True)
class Phase:
    """The schedule's state at one update; vectors are [levels], deepest first.

    Attributes:
      step: 1 .. steps, int32 scalar.
      fade_in: the newest level's coefficient in [0, 1], scalar; 1 in the first step.
      active: 1 for active levels, 0 for the others.
      encoder_gates: factor of the input of each level's encoder branch. An inactive level's is 1, as the pre-training
        KL keeps its branch near the prior.
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
    """The active levels and the fade-in as a function of the number of updates. The last step does not end.

    Attributes:
      levels: number of the ladder's levels.
      steps: number of steps; None: one per level (pro-VLAE); 1: all levels from the start (VLAE).
      updates_per_step: length of a step.
      fade_in_updates: number of updates over which the coefficient of a new level rises from 0 to 1; 0: at once.
    """

    levels: int
    steps: int | None = None
    updates_per_step: int = 10_000
    fade_in_updates: int = 5_000

    def __post_init__(self):
        if self.levels < 1 or not 1 <= self.num_steps <= self.levels:
            raise UserError(
                f"progressive.steps must be from 1 to the number of levels, got {self.steps} for {self.levels} levels: "
                "change one of them."
            )
        if self.updates_per_step < 1 or self.fade_in_updates < 0:
            raise UserError(
                "progressive.updates_per_step must be at least 1 and progressive.fade_in_updates at least 0, got "
                f"{self.updates_per_step} and {self.fade_in_updates}: set larger ones."
            )

    @property
    def num_steps(self) -> int:
        """Number of steps."""
        return self.levels if self.steps is None else self.steps

    def at(self, update: tf.Tensor | int) -> Phase:
        """The phase at an update.

        Args:
          update: updates made since the weights were drawn, int scalar.
        """
        update = tf.cast(update, tf.int32)
        step = tf.minimum(update // self.updates_per_step, self.num_steps - 1) + 1
        newest = self.levels - self.num_steps + step - 1  # position of the newest active level, deepest first
        position = tf.range(self.levels)
        active = tf.cast(position <= newest, tf.float32)
        fade_in = tf.where(step > 1, self._fade_in(update - (step - 1) * self.updates_per_step), 1.0)
        gates = tf.where(position == newest, fade_in, 1.0)
        return Phase(step, fade_in, active, gates, gates * active)

    def _fade_in(self, iteration: tf.Tensor) -> tf.Tensor:
        if self.fade_in_updates == 0:
            return tf.constant(1.0)
        return tf.minimum(tf.cast(iteration, tf.float32) / self.fade_in_updates, 1.0)
