"""Every name that gin may use, and the files that use them."""

import importlib
from collections.abc import Sequence

from rdl.config import read_gin

# The first keeps TensorFlow quiet, so it comes before whatever imports that.
_NAMED_IN = (
    "rdl.quiet_start", "rdl.data", "rdl.execution", "rdl.models", "rdl.population", "rdl.recursion", "rdl.scoring",
    "rdl.training", "rdl.callbacks.terminal", "rdl.jobs.experiment", "rdl.jobs.ladder", "rdl.jobs.one_point",
    "rdl.jobs.rpu_vae", "rdl.jobs.search", "rdl.jobs.studies.published",
)  # fmt: skip


def configure(gin_files: Sequence[str] = (), bindings: Sequence[str] = ()) -> None:
    """Makes all of rdl's names known to gin, then reads files and bindings, if any.

    Args:
      gin_files: later ones win.
      bindings: on top of the files.

    Raises:
      UserError: a missing file, an unknown name, a syntax error, a value of another type than asked for.
    """
    for module in _NAMED_IN:
        importlib.import_module(module)
    if gin_files or bindings:
        read_gin(gin_files, bindings)
