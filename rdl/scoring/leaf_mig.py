"""Leaf MIG: the match of single latents with the labels learned by leaf runs. It needs no true factor."""

from collections.abc import Sequence

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.errors import NonFiniteError, UserError
from rdl.recursion.leaf_labels import LeafLabels
from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.metrics import utils


@gin.configurable("leaf_mig")
def compute_leaf_mig(
    means: np.ndarray,
    leaves: Sequence[LeafLabels],
    indices: np.ndarray | None = None,
    *,
    num_bins: Bins = 20,
    weights: str = "columns",
    repeats: str = "count",
) -> dict[str, float | list]:
    """Mutual information gap of the latents with the labels of the leaf runs.

    For each column v of a leaf's labels, on the images of its iteration:
    (I(z_a; v) - I(z_b; v)) / H(v), where z_a and z_b are the best and the second-best latent; then the mean over the
    columns of a leaf and the median over the leaves. Latents and labels are both cut into `num_bins` bins of equal
    width over the images of the iteration (Estermann et al., arXiv 2010.13527, on the MIG of Chen et al., arXiv
    1802.04942).

    Args:
      means: posterior means, [n, latents], latents > 1.
      leaves: labels of the leaf runs; leaf runs without labels are left out.
      indices: images of the rows of `means`, ascending, [n]; 0 .. n - 1 if None.
      num_bins: number of bins.
      weights: "columns" gives every column of a leaf the same weight, whether it covers 168 images or all of them (as
        the reference); "images" weights it by the number of its images.
      repeats: "count" counts a label that repeats an earlier one like any other (as the reference, in which a label
        that is not held fixed ends the leaf run); "once" counts only the first label of a factor.

    Returns:
      `leaf_mig`, the score; `per_leaf`, [leaves]; `per_column`, the gaps of the columns for each leaf and iteration;
      `latents`, the best latent of each column.

    Raises:
      UserError: no labels, fewer than two latents, images missing in `means`, or an unknown option value.
      NonFiniteError: NaN or infinity in the means.
    """
    if weights not in ("columns", "images") or repeats not in ("count", "once"):
        raise UserError(
            "leaf_mig.weights is 'columns' or 'images' and leaf_mig.repeats 'count' or 'once', "
            f"got {weights!r} and {repeats!r}."
        )
    means = np.asarray(means)
    leaves = [leaf for leaf in leaves if len(leaf)]
    if not leaves:
        raise UserError("Leaf MIG needs the labels of at least one leaf run, got none: no latent was learned.")
    if means.ndim != 2 or means.shape[1] < 2:
        raise UserError(f"Leaf MIG needs means [n, latents] of two latents or more, got {means.shape}.")
    if not np.isfinite(means).all():
        raise NonFiniteError(f"{np.count_nonzero(~np.isfinite(means))} posterior means are NaN or infinite.")
    gaps, latents = [], []
    computed = {}  # leaf runs share iteration 0
    for leaf in leaves:
        gaps.append([])
        latents.append([])
        for images, labels in zip(leaf.indices, leaf.labels, strict=True):
            key = (images.tobytes(), labels.tobytes())
            if key not in computed:
                computed[key] = _gaps(means[_rows(images, indices, len(means))], labels, num_bins)
            gaps[-1].append(computed[key][0].tolist())
            latents[-1].append(computed[key][1].tolist())
    per_leaf = [
        float(np.average(np.concatenate(of_leaf), weights=_weights(leaf, weights, repeats)))
        for of_leaf, leaf in zip(gaps, leaves, strict=True)
    ]
    return {
        "leaf_mig": float(np.median(per_leaf)),
        "per_leaf": per_leaf,
        "per_column": gaps,
        "latents": latents,
    }


def sample(leaves: Sequence[LeafLabels], num_points: int, seed: int) -> tuple[list[LeafLabels], np.ndarray]:
    """Draws at most `num_points` images of every iteration, the same for all leaf runs that share the iteration.

    Most of the cost of leaf MIG is encoding the whole data set for every member. The reference's supervised score also
    uses 50,000 images.

    Args:
      leaves: labels of all images.
      num_points: maximum number of images of an iteration.
      seed: of the draw.

    Returns:
      The leaves with the drawn images, and the indices of all these images, ascending: encode these and pass them to
      `compute_leaf_mig` as `indices`.
    """
    sampled = [_sample(leaf, num_points, seed) for leaf in leaves]
    images = [indices for leaf in sampled for indices in leaf.indices]
    return sampled, np.unique(np.concatenate(images)) if images else np.zeros(0, np.int64)


def _sample(leaf: LeafLabels, num_points: int, seed: int) -> LeafLabels:
    indices, labels = [], []
    for i, (images, values) in enumerate(zip(leaf.indices, leaf.labels, strict=True)):
        if len(images) > num_points:
            drawn = generator(seed, "leaf_mig", i).choice(len(images), num_points, replace=False)
            drawn.sort()
            images, values = images[drawn], values[drawn]
        indices.append(images)
        labels.append(values)
    return LeafLabels(tuple(indices), tuple(labels), leaf.repeats)


def _weights(leaf: LeafLabels, weights: str, repeats: str) -> np.ndarray:
    """Weights of the columns of all iterations, [columns]."""
    counts = [len(images) if weights == "images" else 1 for images in leaf.indices]
    counted = [~again if repeats == "once" else np.ones(len(again), bool) for again in leaf.repeats]
    return np.concatenate([count * columns for count, columns in zip(counts, counted, strict=True)])


def _rows(images: np.ndarray, indices: np.ndarray | None, count: int) -> np.ndarray:
    """Rows of the means for these images."""
    if indices is None:
        rows, missing = images, images >= count
    else:
        indices = np.asarray(indices)
        rows = np.searchsorted(indices, images)
        missing = indices[np.minimum(rows, len(indices) - 1)] != images
    if missing.any():
        raise UserError(
            f"Leaf MIG needs the means of image {int(images[missing][0])}, got the means of {count} images without "
            "it: encode every image of the leaf labels."
        )
    return rows


def _gaps(means: np.ndarray, labels: np.ndarray, num_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Gap over entropy of each label column, and its best latent: [learned] both.

    A column with all images in one bin has gap 0.
    """
    # None as the discretizer: equal widths, independent of gin's settings for other metrics.
    codes = utils.make_discretizer(means.T, num_bins, None)
    columns = utils.make_discretizer(labels.T, num_bins, None)
    # One column at a time: the table of pairs needs [latents, n] integers instead of [latents, learned, n].
    information = np.concatenate([utils.discrete_mutual_info(codes, c[None]) for c in columns], axis=1)
    ordered = np.sort(information, axis=0)
    gaps, entropy = ordered[-1] - ordered[-2], utils.discrete_entropy(columns)
    return np.divide(gaps, entropy, out=np.zeros_like(gaps), where=entropy > 0), information.argmax(axis=0)
