"""Imports everything that a gin file may name."""

from rdl import data, models, population, recursion, scoring, training
from rdl.experiments import rpu_vae, search

__all__ = ["data", "models", "population", "recursion", "rpu_vae", "scoring", "search", "training"]
