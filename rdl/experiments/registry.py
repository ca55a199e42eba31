"""Imports everything that a gin file may name."""

from rdl import quiet_start  # noqa: F401, I001  (before anything imports TensorFlow)
from rdl import data, models, population, recursion, scoring, training
from rdl.experiments import display, experiment, one_point, pro_vlae, rpu_vae, search, study

__all__ = [
    "data", "display", "experiment", "models", "one_point", "population", "pro_vlae", "recursion", "rpu_vae",
    "scoring", "search", "study", "training",
]  # fmt: skip
