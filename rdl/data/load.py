"""Data sets by name."""

from collections.abc import Mapping, Sequence

import gin

from rdl.data.factors import Grid
from rdl.data.grids import shrink, sub_grid
from rdl.data.images import ImageSet
from rdl.data.sprites import SPACE, RenderedSprites
from rdl.errors import UserError


@gin.configurable("dataset")  # pyright: ignore[reportCallIssue]
def load(name: str, values: Mapping[str, int | Sequence[int]] | None = None, size: int | None = None) -> ImageSet:
    """Loads a data set by disentanglement_lib's name.

    Args:
      name: `dsprites_full`, ...
      values: keeps some values of some factors: {"orientation": 4, "x": [0, 8, 16]} keeps every 4th
        orientation and three positions.
      size: averages images down to size x size.

    Raises:
      UserError: an unknown name or option.
    """
    if name != "dsprites_full":
        raise UserError(f"No data set is called '{name}': use dsprites_full.")
    source, grid = RenderedSprites(), Grid.over(SPACE.names, SPACE.sizes)
    if values:
        source, grid = sub_grid(source, grid, values)
    return ImageSet(name, shrink(source, size), grid)
