"""Factorised support: the values that two latents take together fill the product of the values that each takes.

Roth, Ibrahim, Akata, Vincent, Bouchacourt, Disentanglement of Correlated Factors via Hausdorff Factorized Support, ICLR
2023 (arXiv 2210.07347). If factors of variation are correlated, independent latents cannot be the factors. This loss
does not require independence: all combinations of two latents' values must occur, however rarely. As in the released
code, the posterior means of a batch represent the values. For each pair of latents, the loss is the Hausdorff distance
from the product of their values to the batch's means.
"""

from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from rdl.config.ranges import Between
from rdl.models import replicas
from rdl.models.objectives.objective import ForwardPass, Objective, Terms, Values, kl, reconstruction


@gin.configurable
def factorised_support(
    beta: float = 1.0,
    gamma: float = 10.0,
    delta: float = 1.0,
    combinations: Annotated[int, Between(1, 1_000_000_000)] = 4096,
) -> Objective:
    """loss = -log p(x|z) + beta KL(q(z|x) || p(z)) + gamma sum_{i<j} d(i, j) + delta sum_i s(i).

    Args:
      beta: weight of the KL; 0 removes the term, as some of the released configurations do.
      gamma: weight of the distances d of pairs of latents (`distances_to_product`).
      delta: weight of the shortfalls s of the latents' ranges from [0, 1] (`shortfalls`), without which shrinking all
        latents would minimise the distances. The released code calls it "minimal support".
      combinations: number of combinations (latent i of one mean, latent j of another) that are considered for each
        pair of latents. A batch of up to 64 images has no more than the default, so that its distances are exact. Time
        and memory of a pair of latents grow with this number times the batch size.
    """

    def terms(forward: ForwardPass, hyperparameters: Values) -> Terms:
        means = replicas.gather(forward.posterior.loc)
        distance, shortfall = (
            replicas.equal_share(tf.reduce_sum(each))
            for each in (distances_to_product(means, combinations), shortfalls(means))
        )
        return {
            "reconstruction": reconstruction(forward),
            "weighted_kl": hyperparameters["beta"] * kl(forward),
            "weighted_distance_to_product": hyperparameters["gamma"] * distance,
            "weighted_shortfall": hyperparameters["delta"] * shortfall,
        }

    return Objective("factorised_support", terms, {"beta": beta, "gamma": gamma, "delta": delta})


def distances_to_product(points: tf.Tensor, combinations: int) -> tf.Tensor:
    """Squared directed Hausdorff distance from the product of two latents' values to the points, for each pair.

    d(i, j) = max over (r, s) of min over k of (z_ri - z_ki)^2 + (z_sj - z_kj)^2, which is 0 if every value of latent i
    occurs with every value of latent j. Gradients reach the points r, s and k of the maximum and minimum.

    Args:
      points: [batch, latents].
      combinations: number of combinations (r, s) that are considered for a pair of latents, at least the batch size;
        `_partners` chooses them.

    Returns:
      [pairs of latents].
    """
    first, second = np.triu_indices(points.shape[1], 1)
    rows = tf.shape(points)[0]
    partners = _partners(rows, combinations)
    by_latent = tf.transpose(tf.stop_gradient(points))

    def farthest(pair: tf.Tensor) -> tf.Tensor:
        """The combination (r, s) farthest from its nearest point, and that point k: int32 [3]."""
        along_first, along_second = _squared_differences(by_latent[pair[0]]), _squared_differences(by_latent[pair[1]])
        squares = along_first + tf.gather(along_second, partners)  # [shifts, batch, batch]
        worst = tf.argmax(tf.reshape(tf.reduce_min(squares, axis=2), [-1]), output_type=tf.int32)
        shift, row = worst // rows, worst % rows
        return tf.stack([row, partners[shift, row], tf.argmin(squares[shift, row], output_type=tf.int32)])

    # One pair after the other, as memory grows with the pairs computed at once.
    extremes = tf.map_fn(
        farthest,
        tf.constant(np.stack([first, second], axis=1), tf.int32),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((3,), tf.int32),
    )
    of_first, of_second, observed = tf.unstack(extremes, axis=1)

    def squared_step(latents: np.ndarray, combined: tf.Tensor) -> tf.Tensor:
        latents = tf.constant(latents, tf.int32)
        start, end = (tf.gather_nd(points, tf.stack([at, latents], axis=1)) for at in (combined, observed))
        return tf.square(start - end)

    return squared_step(first, of_first) + squared_step(second, of_second)


def shortfalls(points: tf.Tensor) -> tf.Tensor:
    """max(0, 1 - max_r z_ri) + max(0, min_r z_ri) of the points [batch, latents], for each latent: [latents]."""
    above, below = 1.0 - tf.reduce_max(points, axis=0), tf.reduce_min(points, axis=0)
    return tf.nn.relu(above) + tf.nn.relu(below)


def _partners(rows: tf.Tensor, combinations: int) -> tf.Tensor:
    """The points s that each point r is combined with, int32 [shifts, batch]: the next ones in the batch.

    As batches are shuffled, the next points are a random sample, and the same at a repetition of the update.
    """
    shifts = tf.range(1, 1 + tf.clip_by_value(combinations // rows, 1, rows))
    return (tf.range(rows) + shifts[:, None]) % rows


def _squared_differences(values: tf.Tensor) -> tf.Tensor:
    """Pairwise squared differences of values [batch]: [batch, batch]."""
    return tf.square(values[:, None] - values)
