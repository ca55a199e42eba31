"""The images that the models of a run still have to see."""

from collections.abc import Mapping

from rdl.population import PopulationSettings, minimum_images


class RemainingImages:
    """Counts the remaining images of a run, summed over all models.

    The size of a stage is known when it begins, and a stage may train longer than its minimum, so the count is a lower
    bound.
    """

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}  # images of each stage that has not begun
        self._stage_images = 0.0  # remaining images of the current stage
        self._stage_total = 0

    def plan(self, images: Mapping[str, int]) -> None:
        """Sets the minimum images of every stage to come."""
        self._planned = dict(images)

    def begin_stage(self, stage: str, settings: PopulationSettings, num_images: int) -> None:
        """Begins a stage; the stage before it is finished."""
        self._planned.pop(stage, None)
        self._stage_total = minimum_images(settings, num_images)
        self._stage_images = self._stage_total

    def subtract(self, images: float) -> None:
        """Subtracts images of the current stage."""
        self._stage_images -= images

    def set_done(self, images: float) -> None:
        """Sets the images of the current stage that are done, in this process or before."""
        self._stage_images = self._stage_total - images

    @property
    def images(self) -> float:
        """Remaining images of the run, at least."""
        return max(0.0, self._stage_images) + sum(self._planned.values())
