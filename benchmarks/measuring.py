"""Shared by the benchmarks: CPU time of functions that take turns, and JSON lines of results."""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rdl import kernels
from rdl.runs import environment

FLAGS = ("amx_bf16", "avx512_bf16", "avx512_vnni", "avx512f", "avx2")
"""Instruction sets that decide which CPU kernels are fast, newest first."""


class Spent(NamedTuple):
    """Seconds of one call."""

    cpu: float  # over all threads
    wall: float


def emit(benchmark: str, **values: Any) -> None:
    """Prints one measurement as a line of JSON, floats to four digits."""
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in values.items()}
    print(json.dumps({"benchmark": benchmark, **rounded}), flush=True)


def emit_machine(benchmark: str) -> None:
    """Prints the machine and the versions that the following lines were measured with."""
    described = environment.describe()
    versions = {name: described["packages"].get(name) for name in ("tensorflow", "keras", "numpy")}
    fields = {key: described[key] for key in ("processor", "cores", "gpus", "commit", "variables")}
    emit(
        benchmark,
        python=platform.python_version(),
        **versions,
        **fields,
        flags=processor_flags(),
        kernels=kernels_used(),
    )


def processor_flags() -> str:
    """The newest of `FLAGS` that oneDNN may use on this processor; ``none`` if there is none, or it is unknown."""
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() == "AVX2":
        return "avx2"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return next((flag for flag in FLAGS if flag in flags), "none")


def kernels_used() -> str:
    """The CPU kernels of this process, once TensorFlow is imported: ``oneDNN`` or ``Eigen``."""
    return kernels.selected()


def call(function: Callable[[], Any]) -> Spent:
    """Calls the function and measures it; a function that returns `Spent` was measured in another process."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result if isinstance(result, Spent) else Spent(time.process_time() - cpu, time.perf_counter() - wall)


def measure(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[Spent]]:
    """Measures each function once a round, after one round of warm-up.

    The functions take turns, so that a busy machine slows all alike: ratios are reliable even if seconds are not.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            seconds = call(function)
            if number:
                spent[name].append(seconds)
    return spent
