"""One iteration of a leaf run, after its population is trained: label, reduce, record."""

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
    """Labels the images and chooses those of the next iteration, or ends the leaf run.

    If the population has nothing left to learn, the run ends before labelling. Labels are kept in all other cases.

    Args:
      leaf: labels of the earlier iterations; `LeafLabels()` for iteration 0, that of the x-model.
      indices: numbers of the iteration's images in the full data set, [n].
      means, log_variances: posterior of the best model on these images, [n, latents].
      score: score of the best member, for the record.
      x_peak: rank of the set of images that the first reduction keeps (`reduce_images`): leaf runs take 0, 1, 2, ..
        Later reductions take rank 0.
      nothing_left: whether the population stopped because its best score was too low.
      max_iterations: largest number of iterations of a leaf run, including the x-model's. The reference trains until
        nothing is left to learn, but its final run takes three iterations of each leaf run: 0 (the x-model's), 1 and 2.

    Returns:
      The record, whose `kept` are the images of the next iteration and whose `stop` is None if there is one; and the
      leaf run's labels, extended by this iteration's.

    Raises:
      UserError: the arrays' shapes do not match.
      NonFiniteError: the posterior holds NaN or infinity.
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
