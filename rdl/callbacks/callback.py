"""Callbacks: methods that a job calls at the events of a run."""

from collections.abc import Mapping, Sequence

from rdl.data import ImageSet
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings


class Callback:
    """The base class: every method does nothing. A subclass overrides the events that it needs."""

    def on_plan(self, images: Mapping[str, int]) -> None:
        """Called when the stages to come are known.

        Args:
          images: stage -> the minimum number of images that all its models see together.
        """

    def on_score_chosen(self, stage: str, score: str) -> None:
        """Called before a stage begins, with the name of the score that it maximises."""

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Called before a population trains.

        Args:
          stage: its name.
          settings: of the population.
          num_images: images that each model sees per generation.
          data_size: images of the data set.
        """

    def on_member_end(self, stage: str, member: Member) -> None:
        """Called when a member has been trained and scored in this process, or has failed."""

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Called at the end of every generation; a resumed run repeats the call for finished generations."""

    def reason_to_stop(self, stage: str, members: Sequence[Member]) -> str:
        """Returns why a stage should end after this generation; empty for going on."""
        return ""

    def on_stage_end(self, stage: str, generation: int, model: TrainedModel, images: ImageSet) -> None:
        """Called at the end of every stage; a resumed run repeats the call for finished stages.

        Args:
          stage: its name.
          generation: of the best member.
          model: the best model. Valid until another model is trained or encodes.
          images: the data set of the stage.
        """

    def on_labels_selected(self, stage: str) -> None:
        """Called when the label pool has the labels of a stage; a resumed run repeats the call.

        The journal holds them: `rdl.results.pool_table.read_pool_table`.
        """

    def on_message(self, text: str) -> None:
        """Called with a line of information for the user."""

    def close(self) -> None:
        """Called when the run ends or stops."""


class CallbackList(Callback):
    """Several callbacks as one: every event is passed to each of them, in order."""

    def __init__(self, *callbacks: Callback):
        self._callbacks = callbacks

    def reason_to_stop(self, stage: str, members: Sequence[Member]) -> str:
        """The first reason that a callback gives."""
        return next(filter(None, (callback.reason_to_stop(stage, members) for callback in self._callbacks)), "")


def _forward(event: str):
    def method(self: CallbackList, *arguments) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(*arguments)

    return method


for _event in [name for name in vars(Callback) if not name.startswith("_") and name != "reason_to_stop"]:
    setattr(CallbackList, _event, _forward(_event))
