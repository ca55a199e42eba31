"""Compares this machine with the one on which a run began: precision and kernels of the layers."""

from pathlib import Path

import gin

from rdl import kernels
from rdl.config import RunConfig
from rdl.errors import UserError
from rdl.models import precision
from rdl.runs import Layout, RunReader, environment

_PARAMETER = "model.precision"


def resolve_precision(root: str | Path) -> None:
    """Replaces ``model.precision = 'auto'`` in gin's configuration by this machine's precision.

    The configuration, the report and the worker processes of the run then all have the same precision.

    Args:
      root: the run directory.

    Raises:
      UserError: the run was trained in another precision than this machine's.
    """
    here, run = precision.native(), RunReader(Layout(Path(root)))
    started = run.paths.journal.is_file()
    for key, value in RunConfig.from_gin().settings.items():
        if key.rpartition("/")[2] != _PARAMETER or value != precision.AUTO:
            continue
        before = run.config.settings.get(key) if started else None
        if before in (precision.FLOAT32, precision.BFLOAT16) and before != here:
            raise UserError(
                f"{root} was trained with {key} = '{before}', but 'auto' means '{here}' on this machine: "
                f"set {key} = '{before}' to resume it, or choose another --output_dir."
            )
        with gin.unlock_config():
            gin.bind_parameter(key, here)


def describe_other_kernels(root: str | Path) -> list[str]:
    """Returns a warning if the run began with other kernels than those of this process; otherwise an empty list."""
    before, here = environment.recorded_kernels(root), kernels.selected()
    if before is None or before == here:
        return []
    value = {kernels.ONEDNN: "=1", kernels.EIGEN: "=0"}.get(before, " unset")
    return [
        f"this run began with {before} kernels and continues with {here} kernels, so its last digits will differ from "
        f"those of an uninterrupted run: start with {kernels.VARIABLE}{value} to keep them."
    ]
