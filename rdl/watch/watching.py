"""Who is told how a run goes on: the terminal and TensorBoard both listen to the same few events."""

from collections.abc import Sequence

from rdl.data import ImageSet
from rdl.models import VAE
from rdl.population import Member, Settings


class Watcher:
    """Listens to a run and does nothing; a listener overrides what it cares for."""

    def stage_begins(self, stage: str, settings: Settings, num_images: int, data_size: int) -> None:
        """A population is about to train: so many images a member and generation, out of ``data_size``."""

    def member_done(self, stage: str, member: Member) -> None:
        """A member was trained and scored, or failed."""

    def generation_done(self, stage: str, members: Sequence[Member]) -> None:
        """All members of a generation are done, in this process or before it was started."""

    def stage_done(self, stage: str, generation: int, model: VAE, images: ImageSet) -> None:
        """A population has come to its end, in this process or before; ``model`` is its best, until the next trains."""

    def note(self, text: str) -> None:
        """Something a user will want to know."""

    def close(self) -> None:
        """The run ends or stops."""


class Watchers(Watcher):
    """Several listeners as one."""

    def __init__(self, *watchers: Watcher):
        self._watchers = watchers

    def stage_begins(self, stage: str, settings: Settings, num_images: int, data_size: int) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.stage_begins(stage, settings, num_images, data_size)

    def member_done(self, stage: str, member: Member) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.member_done(stage, member)

    def generation_done(self, stage: str, members: Sequence[Member]) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.generation_done(stage, members)

    def stage_done(self, stage: str, generation: int, model: VAE, images: ImageSet) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.stage_done(stage, generation, model, images)

    def note(self, text: str) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.note(text)

    def close(self) -> None:
        """Passes on."""
        for watcher in self._watchers:
            watcher.close()
