"""Progress in the terminal: one live line and a line per generation, or plain lines where there is no terminal."""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import gin
from rich.console import Console
from rich.table import Table

from rdl.population import Member, Settings
from rdl.population.evolution import ranked
from rdl.watch.watching import Watcher


class Terminal(Watcher):
    """Tells a person how the run goes on.

    Args:
      console: where to; a live line only where it is a terminal.
    """

    def __init__(self, console: Console):
        self._console = console
        self._status = console.status("starting") if console.is_terminal else None
        if self._status:
            self._status.start()
        self._settings: Settings | None = None
        self._done = 0  # members of the current generation that are finished
        self._spent = 0.0  # seconds of training in this process, this stage
        self._trained = 0  # members trained in this process, this stage
        self._seen = 0  # model images trained in this process, this stage
        self._best: list[float] = []
        self._started = time.perf_counter()

    def stage_begins(self, stage: str, settings: Settings, num_images: int, data_size: int) -> None:
        """A headline with the stage's size."""
        self._settings, self._num_images = settings, num_images
        self._done, self._trained, self._seen, self._best = 0, 0, 0, []
        self._started = time.perf_counter()
        models = f" x {settings.models} VAEs" if settings.models > 1 else ""
        self._line(
            f"[bold]{stage}[/]: {settings.size} members{models}, {data_size:,} images in the data set, "
            f"{num_images:,} a generation"
        )
        self._show(stage)

    def member_done(self, stage: str, member: Member) -> None:
        """Moves the live line on."""
        self._done += 1
        self._trained += 1
        if self._settings and member.status == "scored":
            self._seen += self._num_images * self._settings.models
        if member.status == "failed":
            self._line(f"  [yellow]{member.name} failed[/]: {_short(member.reason)}")
        self._show(stage)

    def generation_done(self, stage: str, members: Sequence[Member]) -> None:
        """A line with best, median and worst score."""
        order = ranked(members)
        scores = [m.score for m in order if m.score is not None]
        failed = sum(m.status == "failed" for m in members)
        self._best.append(scores[0] if scores else math.nan)
        self._done = 0
        if scores:
            middle = scores[len(scores) // 2]
            lost = f", {failed} failed" if failed else ""
            self._line(
                f"  generation {members[0].generation}: best {order[0].score_in_words}, median {middle:.3f}, "
                f"worst {scores[-1]:.3f}{lost}"
            )
        self._show(stage)

    def note(self, text: str) -> None:
        """A line of its own."""
        self._line(f"  {text}")

    def close(self) -> None:
        """Takes the live line away."""
        if self._status:
            self._status.stop()

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _show(self, stage: str) -> None:
        if not self._status or self._settings is None:
            return
        size = self._settings.size * (1 if self._best else self._settings.initial_factor)
        parts = [f"{stage} generation {len(self._best)}: {self._done} of {size} members"]
        elapsed = time.perf_counter() - self._started
        if self._trained:
            parts.append(f"{self._seen / elapsed:,.0f} images/s")
        if self._best:
            parts.append(f"best {self._best[-1]:.3f}")
        parts.append(self._left(size, elapsed))
        self._status.update(" · ".join(part for part in parts if part))

    def _left(self, size: int, elapsed: float) -> str:
        """An estimate of what is left of the stage; a population that runs until converged has only a least time."""
        settings = self._settings
        if settings is None or not self._trained:
            return ""
        least = settings.window + 1 if settings.until_converged else settings.generations or 1
        least = min(least, settings.generations or least)
        members = max(0, least - len(self._best)) * size - self._done
        if members <= 0:
            return ""
        word = "at least " if settings.until_converged else ""
        return f"{word}{_time(members * elapsed / self._trained)} left in this stage"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _short(text: str, width: int = 100) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


@gin.configurable("display")
def terminal(quiet: bool = False) -> Watcher:
    """The terminal's listener; none if quiet."""
    return Watcher() if quiet else Terminal(Console(file=sys.stdout))


def summary_table(summary: dict[str, Any]) -> Table:
    """What was found, as a table: the final model beside the x-model and random hyperparameters."""
    table = Table(title=f"{summary['experiment']} on {summary['dataset']}, seed {summary['seed']}")
    columns = {
        "final": "final model",
        "x_model": "x-model",
        "first_generation.median": "random, median",
        "first_generation.best": "random, best",
    }
    rows = {
        "discrete_mig": "MIG",
        "mig_sup": "MIG-sup",
        "disentanglement": "DCI disentanglement",
        "completeness": "DCI completeness",
        "informativeness_test": "DCI informativeness (test)",
    }

    def find(column: str, row: str) -> float | None:
        joint = "_" if column.startswith("first_generation") else "."
        return summary.get(f"{column}{joint}{row}")

    shown = {name: title for name, title in columns.items() if any(find(name, row) is not None for row in rows)}
    if shown:
        table.add_column("")
        for title in shown.values():
            table.add_column(title, justify="right")
        for row, title in rows.items():
            values = [find(name, row) for name in shown]
            if any(value is not None for value in values):
                table.add_row(title, *("" if value is None else f"{value:.3f}" for value in values))
    else:
        table.add_column("")
        table.add_column("", justify="right")
        for key, value in summary.items():
            table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    return table
