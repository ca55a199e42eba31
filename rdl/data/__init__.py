"""Images to learn from: `load` a set by name, and what it gives back."""

from rdl.data.factors import FactorSpace
from rdl.data.images import ImageSet
from rdl.data.load import from_config, load, names

__all__ = ["FactorSpace", "ImageSet", "load", "names", "from_config"]
