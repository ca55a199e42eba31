"""Keeps an automatic run within its time, on a machine that becomes slower after its speed was measured."""

import re
import time
from collections.abc import Callable, Sequence

from rdl.auto.plan import LEAF_STAGES, AutoPlan
from rdl.callbacks.callback import Callback
from rdl.population import Member, PopulationSettings

_LEAST_SHARE = 0.5  # share of the later stages' planned time that earlier stages leave free


class TimeBudget(Callback):
    """Ends a stage early where another generation would not fit into the time that is left.

    Before each generation the callback extrapolates from the speed of the generations that this process has trained.
    The final run stops where the end of the run comes nearest to the deadline. Earlier stages stop where, after another
    generation, less time would be left than half of the later stages' plan takes. Every stage trains at least one
    generation. `Population` records the decision in the journal, so a resumed run repeats it.

    The plan in images, which the gin file holds, stays as it is: a repetition by bin/train has no deadline.

    Args:
      plan: the run's plan.
      seconds: time left, from now to the end of the command.
      speed: training images per second that the plan assumes.
      clock: returns seconds.
    """

    def __init__(self, plan: AutoPlan, seconds: float, speed: float, clock: Callable[[], float] = time.perf_counter):
        self._plan, self._planned_speed, self._clock = plan, speed, clock
        self._deadline = clock() + seconds
        self._settings: PopulationSettings | None = None
        self._num_images = 0
        self._started = clock()
        self._trained = 0  # members of the current generation that this process has trained
        self._seconds_per_image: float | None = None

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Starts the clock of the stage's first generation."""
        self._settings, self._num_images, self._trained = settings, num_images, 0
        self._started = self._clock()

    def on_member_end(self, stage: str, member: Member) -> None:
        """Counts the members that this process trains."""
        self._trained += 1

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Measures the speed of the generation, if this process has trained it."""
        now = self._clock()
        if self._trained and self._settings is not None:
            images = self._trained * self._settings.models * self._num_images
            self._seconds_per_image = (now - self._started) / images
        self._started, self._trained = now, 0

    def reason_to_stop(self, stage: str, members: Sequence[Member]) -> str:
        """Compares the time that is left with the time of another generation and of what comes after it."""
        if self._settings is None or self._seconds_per_image is None:
            return ""
        per_image = self._seconds_per_image
        following = self._settings.members(members[0].generation + 1)
        generation = following * self._settings.models * self._num_images * per_image
        ending = self._plan.ending_seconds * max(1.0, per_image * self._planned_speed)
        later = _LEAST_SHARE * self._later_images(stage) * per_image
        needed = ending + (generation + later if later else generation / 2)
        left = self._deadline - self._clock()
        if needed <= left:
            return ""
        return f"another generation takes about {generation:.0f} s, and {max(0.0, left):.0f} s of the time are left"

    def _later_images(self, stage: str) -> int:
        """Planned training images of all stages after this one."""
        plan = self._plan
        if plan.leaf_run is None or plan.final is None or stage == "final":
            return 0
        leaf = re.fullmatch(r"leaf_(\d+)/iteration_(\d+)", stage)
        done = LEAF_STAGES * int(leaf[1]) + int(leaf[2]) if leaf else 0
        return max(0, LEAF_STAGES * plan.leaf_runs - done) * plan.leaf_run.total_images + plan.final.total_images
