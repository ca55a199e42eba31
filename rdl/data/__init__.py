"""Data sets: `load` returns an `ImageSet` by name."""

from rdl.data.factors import FactorSpace
from rdl.data.images import ImageSet
from rdl.data.load import from_config, load, names

__all__ = ["FactorSpace", "ImageSet", "load", "names", "from_config"]
