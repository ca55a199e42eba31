"""What is left of a run, in images of models, and the time that takes at the pace so far.

rich's own estimate knows one bar whose total is known; here stages come and end by rules of their own, and plain lines
and a resumed run need the same number.
"""

import time
from collections.abc import Mapping

from rdl.population import PopulationSettings


def least_generations(settings: PopulationSettings) -> int:
    """How many generations a population trains at least."""
    least = settings.window + 1 if settings.until_converged else settings.generations or 1
    return min(least, settings.generations or least)


def least_images(settings: PopulationSettings, num_images: int) -> int:
    """How many images all models of a population see together at least, in all generations."""
    return num_images * settings.models * settings.members_until(least_generations(settings))


class Estimate:
    """Keeps count of a run's stages.

    What a stage is to train is only known when it begins, and some end by rules of their own: what is estimated is the
    least that is left.
    """

    def __init__(self) -> None:
        self._to_come: dict[str, int] = {}
        self._stage = ""
        self._total = 0
        self._done = 0.0  # of the stage
        self._trained = 0.0  # in this process
        self._started = time.perf_counter()

    def plan(self, images: Mapping[str, int]) -> None:
        """The stages to come, with the images that their models will see at least."""
        self._to_come = dict(images)

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int) -> None:
        """What came before is done."""
        self._to_come.pop(self._stage, None)
        self._to_come.pop(stage, None)
        self._stage, self._total, self._done = stage, least_images(settings, num_images), 0.0

    def done(self, images: float) -> None:
        """So many images of models are done in this process, since the last time."""
        self._done += images
        self._trained += images

    def settle(self, images: float) -> None:
        """So many of the stage's are done, in this process or before."""
        self._done = images

    @property
    def stage_left(self) -> float | None:
        """Seconds left of the stage at least; None as long as nothing was trained here."""
        return self._seconds(max(0.0, self._total - self._done))

    @property
    def run_left(self) -> float | None:
        """Seconds left of the run at least."""
        return self._seconds(max(0.0, self._total - self._done) + sum(self._to_come.values()))

    @property
    def pace(self) -> float:
        """Images of models a second."""
        return self._trained / max(1e-9, time.perf_counter() - self._started)

    def _seconds(self, images: float) -> float | None:
        return images / self.pace if self._trained else None
