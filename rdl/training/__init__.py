"""The trainer, its batches and its checkpoints."""

from rdl.training.posteriors import posterior_parameters
from rdl.training.trainer import Trainer

__all__ = ["Trainer", "posterior_parameters"]
