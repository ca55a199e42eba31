"""Leaf MIG with the labels of another run's leaf runs: a final run without a new recursion."""

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
    """``LeafMIGScore`` with labels read from a run, to vary the seed and the leaf runs of a final run.

    Other settings of leaf MIG keep their names, such as ``LeafMIGScore.points``.

    Args:
      run: run directory of a recursion whose leaf runs are finished.
      leaf_runs: numbers of the leaf runs to use; None: all with labels.
      iterations: maximum number of iterations of each, including the x-model's; None: all.

    Raises:
      UserError: there is no such run, a leaf run has no labels, or fewer than one iteration is requested.
    """

    def __init__(self, run: str, leaf_runs: Sequence[int] | None = None, iterations: int | None = None):
        leaves = read_leaf_labels(run, leaf_runs, iterations)
        self._run, self._covered = run, len(leaves[0].indices[0])
        super().__init__(leaves)

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Returns the mean of the models' leaf MIG.

        Raises:
          UserError: the labels belong to another data set.
        """
        self.check(images, 1)
        return super().__call__(encode, images, seed)

    def check(self, images: ImageSet, models: int) -> None:
        """Refuses a data set other than that of the labels."""
        if len(images) != self._covered:
            raise UserError(
                f"The labels of {self._run} cover {self._covered} images, and {images.name!r} has {len(images)}: bind "
                "dataset as that run did."
            )


def read_leaf_labels(
    run: str, leaf_runs: Sequence[int] | None = None, iterations: int | None = None
) -> list[LeafLabels]:
    """Reads the labels of a run's leaf runs; arguments and errors as in `SavedLeafMIGScore`."""
    if iterations is not None and iterations < 1:
        raise UserError(f"SavedLeafMIGScore.iterations must be at least 1, got {iterations}.")
    paths = Layout(Path(run))
    if not paths.config.is_file():
        raise UserError(f"SavedLeafMIGScore.run: {run} is not a run directory (no {CONFIG}): name a run of rpu_vae.")
    files = paths.all_labels()
    if not files:
        raise UserError(
            f"SavedLeafMIGScore.run: {run} holds no leaf labels: finish the run, or name a run with labels."
        )
    if leaf_runs is not None and not leaf_runs:
        raise UserError("SavedLeafMIGScore.leaf_runs is empty: name leaf runs, or use None for all.")
    numbers = sorted(files) if leaf_runs is None else list(leaf_runs)
    if missing := [number for number in numbers if number not in files]:
        known = ", ".join(map(str, sorted(files)))
        raise UserError(
            f"{run} holds no labels of leaf run {missing[0]}: SavedLeafMIGScore.leaf_runs may name {known}."
        )
    leaves = [LeafLabels.load(files[number]) for number in numbers]
    return [LeafLabels(leaf.indices[:iterations], leaf.labels[:iterations]) for leaf in leaves]
