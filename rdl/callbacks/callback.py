"""Who is told how a run goes on: the terminal and TensorBoard both listen to the same few events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rdl.data import ImageSet
from rdl.models.saving.saved import TrainedModel
from rdl.population import Member, PopulationSettings


class Callback:
    """Listens to a run and does nothing; a listener overrides what it cares for."""

    def on_plan(self, images: Mapping[str, int]) -> None:
        """The stages that a job will train at least -> images that all their models will see at least."""

    def on_score_chosen(self, stage: str, score: str) -> None:
        """The stage that is about to begin maximises the score of this name."""

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """A population is about to train: so many images a member and generation, out of ``data_size``."""

    def on_member_end(self, stage: str, member: Member) -> None:
        """A member was trained and scored, or failed."""

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """All members of a generation are done, in this process or before it was started."""

    def on_stage_end(self, stage: str, generation: int, model: TrainedModel, images: ImageSet) -> None:
        """A population has come to its end, in this process or before; ``model`` is its best, until the next trains."""

    def on_message(self, text: str) -> None:
        """Something a user will want to know."""

    def close(self) -> None:
        """The run ends or stops."""


class CallbackList(Callback):
    """Several listeners as one: whatever it is told, it passes on."""

    def __init__(self, *callbacks: Callback):
        self._callbacks = callbacks


def _passes_on(event: str) -> Callable[..., None]:
    def tell(self: CallbackList, *what: Any) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(*what)

    return tell


for _event in [name for name in vars(Callback) if not name.startswith("_")]:
    setattr(CallbackList, _event, _passes_on(_event))
