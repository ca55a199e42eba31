"""Leaf MIG with the labels that another run's leaf runs left: a final run without a new recursion."""

from collections.abc import Sequence
from pathlib import Path

import gin

from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.recursion import LeafLabels
from rdl.runs.layout import CONFIG, Layout
from rdl.scoring.scores import Encode, LeafMIGScore, Scored


@gin.configurable
class SavedLeafMIGScore(LeafMIGScore):
    """``LeafMIGScore`` with labels read from a run, so that a final run's seeds and leaf runs can be varied.

    Everything else of leaf MIG is set under its own names, such as ``LeafMIGScore.points``.

    Args:
      run: the run directory of a recursion, finished with its leaf runs at least.
      leaf_runs: numbers of the leaf runs taken; None: all that found a label.
      iterations: at most so many iterations of each, the x-model's included; None: all.

    Raises:
      UserError: no such run, a leaf run without labels, or a number of iterations that cannot be.
    """

    def __init__(self, run: str, leaf_runs: Sequence[int] | None = None, iterations: int | None = None):
        leaves = read(run, leaf_runs, iterations)
        self._run, self._covered = run, len(leaves[0].indices[0])
        super().__init__(leaves)

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' leaf MIG.

        Raises:
          UserError: the labels are of another data set.
        """
        self.check(images, 1)
        return super().__call__(encode, images, seed)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses another data set than the labels'."""
        if len(images) != self._covered:
            raise UserError(
                f"The labels of {self._run} are of {self._covered} images and {images.name!r} has {len(images)}: "
                "bind dataset as that run did."
            )


def read(run: str, leaf_runs: Sequence[int] | None = None, iterations: int | None = None) -> list[LeafLabels]:
    """The labels of a run's leaf runs; arguments and errors are `SavedLeafMIGScore`'s."""
    if iterations is not None and iterations < 1:
        raise UserError(f"SavedLeafMIGScore.iterations must be at least 1, got {iterations}.")
    paths = Layout(Path(run))
    if not paths.config.is_file():
        raise UserError(f"SavedLeafMIGScore.run: {run} is no run directory (no {CONFIG}): name one of rpu_vae's.")
    there = paths.all_labels()
    if not there:
        raise UserError(f"SavedLeafMIGScore.run: {run} holds no leaf labels: finish it, or name a run that found some.")
    if leaf_runs is not None and not leaf_runs:
        raise UserError("SavedLeafMIGScore.leaf_runs names no leaf run: give some, or None for all.")
    wanted = sorted(there) if leaf_runs is None else list(leaf_runs)
    if missing := [number for number in wanted if number not in there]:
        known = ", ".join(map(str, sorted(there)))
        raise UserError(
            f"{run} holds no labels of leaf run {missing[0]}: SavedLeafMIGScore.leaf_runs may be of {known}."
        )
    found = [LeafLabels.load(there[number]) for number in wanted]
    return [LeafLabels(leaf.indices[:iterations], leaf.labels[:iterations]) for leaf in found]
