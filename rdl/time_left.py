"""Estimates the remaining time of a job from the work done so far, and writes durations as text."""

import time


class TimeLeft:
    """The remaining time at the mean rate since this object was created.

    Work has any unit that adds up, such as images or expected seconds.

    Args:
      rate: units of work per second assumed until some work is done; None makes no estimate until then.
    """

    def __init__(self, rate: float | None = None):
        self._assumed_rate = rate
        self._done = 0.0
        self._started = time.perf_counter()

    def advance(self, work: float) -> None:
        """Adds finished work."""
        self._done += work

    @property
    def rate(self) -> float | None:
        """Units of work per second; the assumed rate until some work is done."""
        if not self._done:
            return self._assumed_rate
        return self._done / max(1e-9, time.perf_counter() - self._started)

    def seconds(self, work: float) -> float | None:
        """Seconds that the given work takes at the current rate; None while the rate is unknown."""
        rate = self.rate
        return None if rate is None else work / rate


def format_duration(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3.5 h``; at least ``1 s``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
