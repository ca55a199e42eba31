"""Registers the names that gin files may use, and reads gin files."""

import importlib
from collections.abc import Sequence

from rdl.config import read_gin

# The first silences TensorFlow, so it comes before all modules that import TensorFlow.
_NAMED_IN = (
    "rdl.quiet_start", "rdl.data", "rdl.execution", "rdl.models", "rdl.population", "rdl.recursion", "rdl.scoring",
    "rdl.training", "rdl.callbacks.terminal", "rdl.jobs.experiment", "rdl.jobs.ladder", "rdl.jobs.one_point",
    "rdl.jobs.rpu_vae", "rdl.jobs.search", "rdl.jobs.studies.published",
)  # fmt: skip


def configure(gin_files: Sequence[str] = (), bindings: Sequence[str] = ()) -> None:
    """Registers all of rdl's configurables with gin, then reads files and bindings, if any.

    Args:
      gin_files: later ones win.
      bindings: on top of the files.

    Raises:
      UserError: a missing file, an unknown name, a syntax error, or a value of the wrong type.
    """
    for module in _NAMED_IN:
        importlib.import_module(module)
    if gin_files or bindings:
        read_gin(gin_files, bindings)
