"""One iteration of a leaf run once its population is trained: label, reduce, record."""

import gin
import numpy as np

from rdl.recursion.labels import label
from rdl.recursion.leaf_labels import LeafLabels
from rdl.recursion.records import Iteration, Stop
from rdl.recursion.reduction import reduce_images
from rdl.recursion.repeats import find_repeats


@gin.configurable
def iterate(
    leaf: LeafLabels,
    indices: np.ndarray,
    means: np.ndarray,
    log_variances: np.ndarray,
    score: float | None,
    x_peak: int = 0,
    *,
    nothing_left: bool = False,
    max_iterations: int = 3,
) -> tuple[Iteration, LeafLabels]:
    """What the iteration learned, which images the next one keeps, or why the leaf run ends.

    A population with nothing left to learn ends the run before labelling; whatever ends it later, the labels are kept.

    Args:
      leaf: the labels of the iterations before; `LeafLabels()` for iteration 0, the x-model.
      indices: numbers of the iteration's images in the full data set, [n].
      means, log_variances: the best model's posterior of these images, [n, latents].
      score: its member's, for the record.
      x_peak: which set of images the first reduction keeps, a number in the ranking of `reduce_images`: the
        leaf runs take 0, 1, 2, .. Later reductions take number 0.
      nothing_left: the population stopped because its best score was too low.
      max_iterations: the most iterations that a leaf run may have, the x-model's included. The reference goes on
        until nothing is left to learn, but prepares the final run from three iterations of each leaf run, numbers
        0 (the x-model's labels), 1 and 2.

    Returns:
      The record, whose `kept` are the numbers of the next iteration's images and whose `stop` is None while the
      run goes on; and the leaf's labels with this iteration's.

    Raises:
      UserError: arrays of other shapes.
      NonFiniteError: NaN or infinity in the posterior.
    """
    number, images = len(leaf), len(indices)
    if nothing_left:
        return Iteration(number, images, score, (), (), None, Stop.LOW_SCORE), leaf
    learned = label(means, log_variances)
    if not learned.latents:
        return Iteration(number, images, score, learned.kl, (), None, Stop.NO_ACTIVE_LATENT), leaf
    repeats = find_repeats(leaf, indices, learned.values)
    leaf = leaf.add(indices, learned.values, np.array([repeated is not None for repeated in repeats]))
    reduction, stop = None, Stop.MAX_ITERATIONS
    if len(leaf) < max_iterations:
        reduction = reduce_images(learned.values, indices, x_peak if number == 0 else 0)
        stop = reduction.stop
    return Iteration(number, images, score, learned.kl, learned.latents, reduction, stop, repeats), leaf
