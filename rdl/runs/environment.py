"""The machine and the software of a run: versions, processor, kernels, git commit."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rdl import kernels
from rdl.runs.layout import Layout
from rdl.runs.reader import RunReader

_PACKAGES = (
    "tensorflow", "keras", "tensorflow-probability", "numpy", "scipy", "scikit-learn", "gin-config", "lightgbm", "ray",
)  # fmt: skip
_VARIABLES = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TF_DETERMINISTIC_OPS", kernels.VARIABLE, "XLA_FLAGS")


def describe() -> dict[str, Any]:
    """Returns the environment of this process as JSON values; unknown values are None or absent."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "commit": commit(Path(__file__).resolve().parent),
        "python": platform.python_version(),
        "packages": _versions(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "kernels": kernels.selected(),
        "memory_bytes": _memory(),
        "gpus": _gpus(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def recorded_kernels(root: str | Path) -> str | None:
    """The kernels that a run began with; None if no run has begun."""
    run = RunReader(Layout(Path(root)))
    return run.config.kernels if run.paths.journal.is_file() and run.paths.config.is_file() else None


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit(folder: Path) -> str | None:
    """The git commit of a folder, followed by `` (changed)`` if tracked files differ from it; None if unknown."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head} (changed)" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _gpus() -> list[str]:
    """Names of TensorFlow's GPUs; empty if TensorFlow is not imported, since its import takes seconds."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return []
    devices = tensorflow.config.list_physical_devices("GPU")
    return [tensorflow.config.experimental.get_device_details(d).get("device_name", d.name) for d in devices]
