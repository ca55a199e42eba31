"""What the benchmarks share: CPU time of calls that take turns, and one JSON line a measurement."""

import json
import platform
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


def seconds(ways: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """(CPU seconds over all threads, seconds by the clock) of each round of each way.

    The ways take turns, after one round that warms up: a busy machine slows all alike, so that their ratios can be
    trusted where their seconds cannot.
    """
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            way()
            if number:
                cpu[name].append(time.process_time() - cpu_start)
                wall[name].append(time.perf_counter() - start)
    return cpu, wall
