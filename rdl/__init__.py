"""rdl: robust disentangled representations.

data = rdl.data.load("dsprites_full")              images by index, with their factors
run = rdl.disentangle("my_pictures", minutes=60)   what bin/disentangle does: images and minutes, nothing else
run = rdl.train("quickstart.gin")                  what bin/train does
run = rdl.extend(run, minutes=30)                  what bin/extend does: trains it further
scores = rdl.evaluate(run, ["mig", "dci"])         what bin/evaluate does
model = rdl.load("runs/quickstart")                the trained model of a finished run
run = rdl.Run("runs/quickstart")                   a finished run: .model, .summary, .images, .report(), .save(folder)

One VAE in five lines, with its progress, and the model kept:

    import rdl
    run = rdl.train("one_vae.gin", {"dataset.name": "my_images.npz"}, output_dir="runs/mine")
    print(run.summary["final.score"])
    codes = run.model.encode(run.images.images([0, 1, 2]))
    run.save("my_model")
"""

import importlib
from typing import TYPE_CHECKING, Any

from rdl import kernels
from rdl.errors import UserError
from rdl.version import __version__ as __version__

kernels.enable_onednn()  # before anything imports TensorFlow

if TYPE_CHECKING:
    from rdl.api import disentangle, evaluate, extend, train
    from rdl.run import Run, load

__all__ = ["Run", "UserError", "data", "disentangle", "evaluate", "extend", "load", "train"]
_MODULES = {
    "Run": "rdl.run", "load": "rdl.run", "disentangle": "rdl.api", "evaluate": "rdl.api", "extend": "rdl.api",
    "train": "rdl.api",
}  # fmt: skip
_PACKAGES = (
    "auto", "callbacks", "config", "data", "execution", "jobs", "metrics", "models", "population", "recursion",
    "results", "runs", "scoring", "training", "verdict",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    # TensorFlow takes seconds to import, so a package is imported at its first use.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"rdl.{name}")
    raise AttributeError(f"module 'rdl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__", "__doc__"]
