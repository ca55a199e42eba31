"""Factorised support: whatever one latent can be, it can be beside all that another can be, however rarely it is.

Roth, Ibrahim, Akata, Vincent, Bouchacourt, Disentanglement of Correlated Factors via Hausdorff Factorized Support, ICLR
2023 (arXiv 2210.07347). Where factors are correlated, latents that are independent are not the factors. What is asked
for instead is that the values which two latents take together fill the product of the values that each takes; how often
they take them does not count. The posterior means of a batch stand for the values, as in the released code, and of each
pair of latents the Hausdorff distance from the product to the means is minimised.
"""

from typing import Annotated

import gin
import numpy as np
import tensorflow as tf

from rdl.config.ranges import Between
from rdl.models import replicas
from rdl.models.objectives.objective import Batch, Objective, Terms, Values, kl, reconstruction


@gin.configurable
def factorised_support(
    beta: float = 1.0,
    gamma: float = 10.0,
    delta: float = 1.0,
    combinations: Annotated[int, Between(1, 1_000_000_000)] = 4096,
) -> Objective:
    """loss = -log p(x|z) + beta KL(q(z|x) || p(z)) + gamma sum_{i<j} d(i, j) + delta sum_i s(i).

    Args:
      beta: weight of the KL; 0 leaves it out, as some of the released configurations do.
      gamma: weight of the distances d of pairs of latents (`distances_to_product`).
      delta: weight of what the latents' ranges lack of [0, 1], s (`shortfalls`): distances alone could be made small by
        making all latents small. The released code's "minimal support".
      combinations: how many combinations of one mean's latent i with another's latent j are looked at, for each pair of
        latents. All, which is exact, where a batch has no more: up to 64 images by default. Time and memory of a pair
        grow with this number times the batch size.
    """

    def terms(batch: Batch, hyperparameters: Values) -> Terms:
        means = replicas.gather(batch.posterior.loc)
        distance, shortfall = (
            replicas.equal_share(tf.reduce_sum(of_each))
            for of_each in (distances_to_product(means, combinations), shortfalls(means))
        )
        return {
            "reconstruction": reconstruction(batch),
            "weighted_kl": hyperparameters["beta"] * kl(batch),
            "weighted_distance_to_product": hyperparameters["gamma"] * distance,
            "weighted_shortfall": hyperparameters["delta"] * shortfall,
        }

    return Objective("factorised_support", terms, {"beta": beta, "gamma": gamma, "delta": delta})


def distances_to_product(points: tf.Tensor, combinations: int) -> tf.Tensor:
    """The directed Hausdorff distance, squared, from the product of two latents' values to the points, for each pair.

    d(i, j) = max over (r, s) of min over k of (z_ri - z_ki)^2 + (z_sj - z_kj)^2, which is 0 where every value of latent
    i comes with every value of latent j. Gradients go to the three points of the maximum and minimum, combined and
    observed ones alike.

    Args:
      points: [batch, latents].
      combinations: how many (r, s) of a pair of latents are looked at, at most and at least the batch size; which ones
        is in `_partners`.

    Returns:
      [pairs of latents].
    """
    first, second = np.triu_indices(points.shape[1], 1)
    rows = tf.shape(points)[0]
    partners = _partners(rows, combinations)
    by_latent = tf.transpose(tf.stop_gradient(points))

    def farthest(pair: tf.Tensor) -> tf.Tensor:
        """The combination (r, s) that is farthest from all points, and the point k nearest to it: int32 [3]."""
        along_first, along_second = _squared_differences(by_latent[pair[0]]), _squared_differences(by_latent[pair[1]])
        squares = along_first + tf.gather(along_second, partners)  # [shifts, batch, batch]
        worst = tf.argmax(tf.reshape(tf.reduce_min(squares, axis=2), [-1]), output_type=tf.int32)
        shift, row = worst // rows, worst % rows
        return tf.stack([row, partners[shift, row], tf.argmin(squares[shift, row], output_type=tf.int32)])

    # One pair after the other: all at once would take pairs times the memory.
    found = tf.map_fn(
        farthest,
        tf.constant(np.stack([first, second], axis=1), tf.int32),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((3,), tf.int32),
    )
    of_first, of_second, observed = tf.unstack(found, axis=1)

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
    """The point s that each point r is combined with, int32 [shifts, batch]: the next, the one after that, and so on.

    Batches are shuffled, so that neighbours are as good as points drawn at random; and a step repeats.
    """
    shifts = tf.range(1, 1 + tf.clip_by_value(combinations // rows, 1, rows))
    return (tf.range(rows) + shifts[:, None]) % rows


def _squared_differences(values: tf.Tensor) -> tf.Tensor:
    """Of values [batch] each from each: [batch, batch]."""
    return tf.square(values[:, None] - values)
