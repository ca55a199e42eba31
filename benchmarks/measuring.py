"""What the benchmarks share: CPU time of calls that take turns, and one JSON line a measurement."""

import json
import platform
import resource
import time
from collections.abc import Callable
from typing import Any

from rdl.runs import environment


def emit(benchmark: str, **values: Any) -> None:
    """Prints one measurement as a line of JSON; floats to four digits."""
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in values.items()}
    print(json.dumps({"benchmark": benchmark, **rounded}), flush=True)


def emit_machine(benchmark: str) -> None:
    """Prints where and with what the lines after it were measured."""
    found = environment.describe()
    versions = {name: found["packages"].get(name) for name in ("tensorflow", "keras", "numpy")}
    fields = {key: found[key] for key in ("processor", "cores", "gpus", "commit", "variables")}
    emit(benchmark, python=platform.python_version(), **versions, **fields)


def cpu_seconds(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds, over all threads, of each round of each way; they take turns, after one round that warms up.

    A busy machine slows all ways alike, so that their ratios can be trusted where their seconds cannot.
    """
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if number:
                spent[name].append(time.process_time() - start)
    return spent


def peak_mib() -> float:
    """The most memory that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
