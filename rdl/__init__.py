"""rdl: robust disentangled representations.

data = rdl.data.load("dsprites_full")     images by index, with their factors
model = rdl.load("runs/quickstart")       the trained model of a finished run
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rdl.models.saving.saved import TrainedModel

__version__ = "0.1.0"
_PACKAGES = (
    "data", "evaluation", "execution", "jobs", "models", "population", "recursion", "runs", "scoring", "training",
    "watch",
)  # fmt: skip


def load(run: str) -> "TrainedModel":
    """The trained model of a finished run.

    Args:
      run: the run directory, such as ``runs/quickstart``.

    Raises:
      UserError: there is no finished run.
    """
    from pathlib import Path

    from rdl.models.saving import saved
    from rdl.runs import Layout

    return saved.load(Layout(Path(run)).model)


def __getattr__(name: str) -> Any:
    # TensorFlow takes seconds to import: a package is imported when it is first asked for.
    if name in _PACKAGES:
        return importlib.import_module(f"rdl.{name}")
    raise AttributeError(f"module 'rdl' has no attribute {name!r}")
