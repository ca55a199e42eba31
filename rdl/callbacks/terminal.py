"""Shows the progress of a run in a terminal: one live line and one line per generation."""

import math
import sys
import textwrap
from collections.abc import Mapping, Sequence

import gin
from rich.console import Console

from rdl.callbacks.callback import Callback
from rdl.callbacks.console import PatientConsole
from rdl.callbacks.remaining_images import RemainingImages
from rdl.population import Member, PopulationSettings
from rdl.population.evolution import rank_members
from rdl.time_left import TimeLeft, format_duration
from rdl.training import progress

_WIDTH = 80  # columns


class Terminal(Callback):
    """Prints the progress of a run in lines of at most 80 columns.

    Args:
      console: where to print; the live line is shown only if it is a terminal or a notebook.
    """

    def __init__(self, console: Console):
        self._console = console
        self._status = console.status("starting") if console.is_terminal or console.is_jupyter else None
        self._stop_listening = progress.add_listener(self._on_progress)
        if self._status:
            self._status.start()
        self._settings: PopulationSettings | None = None
        self._remaining, self._time_left = RemainingImages(), TimeLeft()
        self._score = "score"
        self._stage = ""
        self._finished = 0  # members of the current generation
        self._shares: dict[str, float] = {}  # share of the generation done by each member in training
        self._best: list[float] = []  # best score of each generation

    def on_plan(self, images: Mapping[str, int]) -> None:
        """Records the stages to come for the estimate of the remaining time."""
        self._remaining.plan(images)

    def on_score_chosen(self, stage: str, score: str) -> None:
        """Records the name of the score."""
        self._score = score

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """Prints the stage's name and size."""
        self._settings, self._num_images, self._stage = settings, num_images, stage
        self._finished, self._shares, self._best = 0, {}, []
        self._remaining.begin_stage(stage, settings, num_images)
        members = "1 member" if settings.size == 1 else f"{settings.size} members"
        models = f" of {settings.models} VAEs" if settings.models > 1 else ""
        self._print(f"[bold]{stage}[/]: {members}{models}, {data_size:,} images, {num_images:,} per generation")
        self._update()

    def on_member_end(self, stage: str, member: Member) -> None:
        """Updates the live line; prints the reason if the member failed."""
        self._finished += 1
        self._set_share(member.name, 1.0)
        self._shares.pop(member.name)
        if member.status == "failed":
            self._print(f"  [yellow]{member.name} failed[/]: {textwrap.shorten(member.reason, 100, placeholder=' ..')}")
        self._update()

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """Prints the best, median and worst score of the generation."""
        order = rank_members(members)
        scores = [m.score for m in order if m.score is not None]
        failed = sum(m.status == "failed" for m in members)
        self._best.append(scores[0] if scores else math.nan)
        self._finished, self._shares = 0, {}
        if self._settings:
            trained = self._settings.members_until(len(self._best))
            self._remaining.set_done(trained * self._num_images * self._settings.models)
        if scores:
            median = scores[len(scores) // 2]
            others = f", median {median:.3f}, worst {scores[-1]:.3f}" if len(members) > 1 else ""
            failures = f", {failed} failed" if failed else ""
            best = f"best {self._score}" if others else self._score
            self._print(f"  generation {members[0].generation}: {best} {order[0].describe_score}{others}{failures}")
        self._update()

    def on_message(self, text: str) -> None:
        """Prints the message on its own line."""
        self._print(f"  {text}")

    def close(self) -> None:
        """Removes the live line."""
        self._stop_listening()
        if self._status:
            self._status.stop()

    def _print(self, text: str) -> None:
        wrapped = textwrap.fill(
            text, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )  # fmt: skip
        self._console.print(wrapped, highlight=False, soft_wrap=True)

    def _on_progress(self, name: str, done: int, total: int) -> None:
        self._set_share(name, done / total)
        self._update()

    def _set_share(self, name: str, share: float) -> None:
        new = share - self._shares.get(name, 0.0)
        self._shares[name] = share
        if self._settings and new > 0:
            images = new * self._num_images * self._settings.models
            self._remaining.subtract(images)
            self._time_left.advance(images)

    def _update(self) -> None:
        """Writes the live line; the last parts are left out where it would be too long."""
        if not self._status or self._settings is None:
            return
        size = self._settings.members(len(self._best))
        share = (self._finished + sum(self._shares.values())) / size
        parts = [f"{self._stage} generation {len(self._best)} {_bar(share)}"]
        if (left := self._time_left.seconds(self._remaining.images)) is not None and left >= 1:
            parts.append(f"at least {format_duration(left)} left")
        if size > 1:
            parts.append(f"{self._finished} of {size}")
        parts.append(f"{self._time_left.rate or 0:,.0f} images/s")
        if self._best:
            parts.append(f"best {self._best[-1]:.3f}")
        while len(" · ".join(parts)) > _WIDTH - 3 and len(parts) > 1:
            parts.pop()
        self._status.update(" · ".join(parts))


def _bar(share: float, width: int = 12) -> str:
    full = min(width, int(share * width))
    return "━" * full + "╌" * (width - full) + f" {min(share, 1):.0%}"


@gin.configurable("display")
def terminal(quiet: bool = False) -> Callback:
    """Returns the terminal's callback, or one that prints nothing if ``quiet``."""
    return Callback() if quiet else Terminal(PatientConsole(file=sys.stdout))
