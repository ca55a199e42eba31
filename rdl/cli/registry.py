"""Imports everything that a gin file may name."""

from rdl import quiet_start  # noqa: F401, I001  (before anything imports TensorFlow)
from rdl import data, execution, models, population, recursion, scoring, training
from rdl.jobs import experiment, ladder, one_point, rpu_vae, search, study
from rdl.watch import display

__all__ = [
    "data", "display", "execution", "experiment", "ladder", "models", "one_point", "population", "recursion",
    "rpu_vae", "scoring", "search", "study", "training",
]  # fmt: skip
