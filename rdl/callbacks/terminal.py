"""Progress in the terminal: one live line and a line per generation, or plain lines where there is no terminal."""

import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import gin
from rich.console import Console
from rich.table import Table

from rdl.callbacks.callback import Callback
from rdl.callbacks.estimate import Estimate
from rdl.population import Member, PopulationSettings
from rdl.population.evolution import ranked
from rdl.scoring.names import METRICS
from rdl.training import progress
from rdl.verdict import VERDICT

_WIDTH = 80  # columns


class Terminal(Callback):
    """Tells a person how the run goes on, in lines that fit 80 columns.

    Args:
      console: where to; a live line only where it is a terminal.
    """

    def __init__(self, console: Console):
        self._console = console
        self._status = console.status("starting") if console.is_terminal or console.is_jupyter else None
        self._deaf = progress.listen(self._member_goes_on)
        if self._status:
            self._status.start()
        self._settings: PopulationSettings | None = None
        self._estimate = Estimate()
        self._score = "score"
        self._stage = ""
        self._done = 0  # members of the current generation that are finished
        self._shares: dict[str, float] = {}  # of each member that is being trained
        self._best: list[float] = []

    def on_plan(self, images: Mapping[str, int]) -> None:
        """For the estimate of what is left."""
        self._estimate.plan(images)

    def on_score_chosen(self, stage: str, score: str) -> None:
        """For the generations' lines."""
        self._score = score

    def on_stage_begin(self, stage: str, settings: PopulationSettings, num_images: int, data_size: int) -> None:
        """A headline with the stage's size."""
        self._settings, self._num_images, self._stage = settings, num_images, stage
        self._done, self._shares, self._best = 0, {}, []
        self._estimate.on_stage_begin(stage, settings, num_images)
        members = "1 member" if settings.size == 1 else f"{settings.size} members"
        models = f" of {settings.models} VAEs" if settings.models > 1 else ""
        self._line(f"[bold]{stage}[/]: {members}{models}, {data_size:,} images, {num_images:,} a generation")
        self._show()

    def on_member_end(self, stage: str, member: Member) -> None:
        """Moves the live line on."""
        self._done += 1
        self._goes_on_to(member.name, 1.0)
        self._shares.pop(member.name)
        if member.status == "failed":
            self._line(f"  [yellow]{member.name} failed[/]: {_short(member.reason)}")
        self._show()

    def on_generation_end(self, stage: str, members: Sequence[Member]) -> None:
        """A line with best, median and worst score, and what score that is."""
        order = ranked(members)
        scores = [m.score for m in order if m.score is not None]
        failed = sum(m.status == "failed" for m in members)
        self._best.append(scores[0] if scores else math.nan)
        self._done, self._shares = 0, {}
        if self._settings:
            before = self._settings.members_until(len(self._best))
            self._estimate.settle(before * self._num_images * self._settings.models)
        if scores:
            middle = scores[len(scores) // 2]
            others = f", median {middle:.3f}, worst {scores[-1]:.3f}" if len(members) > 1 else ""
            lost = f", {failed} failed" if failed else ""
            best = f"best {self._score}" if others else self._score
            self._line(f"  generation {members[0].generation}: {best} {order[0].describe_score}{others}{lost}")
        self._show()

    def on_message(self, text: str) -> None:
        """A line of its own."""
        self._line(f"  {text}")

    def close(self) -> None:
        """Takes the live line away."""
        self._deaf()
        if self._status:
            self._status.stop()

    def _line(self, text: str) -> None:
        broken = textwrap.fill(
            text, _WIDTH, initial_indent="", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False,
            drop_whitespace=True,
        )  # fmt: skip
        self._console.print(broken, highlight=False, soft_wrap=True)

    def _member_goes_on(self, name: str, seen: int, of: int) -> None:
        self._goes_on_to(name, seen / of)
        self._show()

    def _goes_on_to(self, name: str, share: float) -> None:
        more = share - self._shares.get(name, 0.0)
        self._shares[name] = share
        if self._settings and more > 0:
            self._estimate.done(more * self._num_images * self._settings.models)

    def _show(self) -> None:
        if not self._status or self._settings is None:
            return
        size = self._settings.members(len(self._best))
        share = (self._done + sum(self._shares.values())) / size
        parts = [f"{self._stage} generation {len(self._best)} {_bar(share)}"]
        if (left := self._estimate.run_left) is not None and left >= 1:
            parts.append(f"at least {_time(left)} left")
        if size > 1:
            parts.append(f"{self._done} of {size}")
        parts.append(f"{self._estimate.pace:,.0f} images/s")
        if self._best:
            parts.append(f"best {self._best[-1]:.3f}")
        while len(" · ".join(parts)) > _WIDTH - 3 and len(parts) > 1:
            parts.pop()
        self._status.update(" · ".join(parts))


def _bar(share: float, width: int = 12) -> str:
    full = min(width, int(share * width))
    return "━" * full + "╌" * (width - full) + f" {min(share, 1):.0%}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _short(text: str, width: int = 100) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


@gin.configurable("display")
def terminal(quiet: bool = False) -> Callback:
    """The terminal's listener; none if quiet."""
    return Callback() if quiet else Terminal(Console(file=sys.stdout))


def summary_table(summary: dict[str, Any]) -> Table:
    """What was found, as a table: the final model beside the x-model and random hyperparameters."""
    table = Table(title=f"{summary['experiment']} on {summary['dataset']}, seed {summary['seed']}")
    columns = {
        "final": "final model",
        "x_model": "x-model",
        "first_generation.median": "random, median",
        "first_generation.best": "random, best",
    }

    def find(column: str, row: str) -> float | None:
        joint = "_" if column.startswith("first_generation") else "."
        return summary.get(f"{column}{joint}{row}")

    shown = {name: title for name, title in columns.items() if any(find(name, row) is not None for row in METRICS)}
    if shown:
        table.add_column("")
        for title in shown.values():
            table.add_column(title, justify="right")
        for row, title in METRICS.items():
            values = [find(name, row) for name in shown]
            if any(value is not None for value in values):
                table.add_row(title, *("" if value is None else f"{value:.3f}" for value in values))
    else:
        table.add_column("")
        table.add_column("", justify="right")
        for key, value in summary.items():
            if key.startswith(VERDICT):  # it is said in words
                continue
            table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    return table
