"""What a resumed run keeps of the machine it began on: the precision and the kernels of its layers."""

from pathlib import Path

import gin

from rdl import kernels
from rdl.config import gin_text
from rdl.errors import UserError
from rdl.models import precision
from rdl.runs import Layout, RunReader, environment

_PARAMETER = "model.precision"


def resolve_precision(root: str | Path) -> None:
    """Replaces ``model.precision = 'auto'`` in gin's configuration by the precision that it stands for.

    The configuration and the report of the run, and the processes that train for it, then name the precision.

    Args:
      root: the run directory.

    Raises:
      UserError: the run there was trained in another precision than this machine would choose.
    """
    here = precision.native()
    there = gin_text.parse_gin_text(_config_of_started_run(Path(root)))
    for key in gin_text.parse_gin_text(gin.config_str(max_line_length=10_000)):
        if key.split("/")[-1] != _PARAMETER or _value(key) != precision.AUTO:
            continue
        before = there.get(key, "").strip("'\"")
        if before in (precision.FLOAT32, precision.BFLOAT16) and before != here:
            raise UserError(
                f"{root} was trained with {key} = '{before}', but 'auto' means '{here}' on this machine: "
                f"set {key} = '{before}' to go on, or choose another --output_dir."
            )
        with gin.unlock_config():
            gin.bind_parameter(key, here)


def describe_other_kernels(root: str | Path) -> list[str]:
    """A warning where the run began with other kernels than those of this process; else nothing."""
    before, here = environment.recorded_kernels(root), kernels.selected()
    if before is None or before == here:
        return []
    value = {kernels.ONEDNN: "=1", kernels.EIGEN: "=0"}.get(before, " unset")
    return [
        f"this run began with {before} kernels and continues with {here} kernels, so its last digits will differ from "
        f"those of an uninterrupted run: start with {kernels.VARIABLE}{value} to keep them."
    ]


def _value(key: str) -> object:
    """The value bound to a key, a macro replaced by its value."""
    value = gin.query_parameter(key)
    if isinstance(value, gin.config.ConfigurableReference) and repr(value).startswith("%"):
        return value.scoped_configurable_fn()
    return value


def _config_of_started_run(root: Path) -> str:
    """The configuration of a run that has begun; empty where there is none."""
    run = RunReader(Layout(root))
    return run.config if run.paths.journal.is_file() else ""
