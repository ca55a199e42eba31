"""Communication between the replicas of a tf.distribute strategy; with one replica, every exchange is the identity.

"Batch" means the *global* batch. Replica r holds some of its rows, in the order of the replicas; their numbers of rows
may differ. Two conventions make the gradients those of the global batch:

- a replica's loss is its *share*: the shares sum to the loss of the global batch, and the trainer sums gradients;
- every exchange is a sum, whose gradient is a sum too, so that gradients reach the rows that they belong to.
"""

import tensorflow as tf


def _context() -> tf.distribute.ReplicaContext | None:
    """The current replica's context; None if there is only one replica."""
    context = tf.distribute.get_replica_context()
    return None if context is None or context.num_replicas_in_sync == 1 else context


def count() -> int:
    """The number of replicas that share the batch."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def total(values):
    """The sum of `values` (a tensor or a structure of tensors) over the replicas; differentiable."""
    context = _context()
    return values if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def locate_rows(local: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The position of `local` [rows, ...] in the batch: (its first row, rows of the whole batch), int32 scalars."""
    size, context = tf.shape(local)[0], _context()
    if context is None:
        return tf.constant(0), size
    mine = tf.range(context.num_replicas_in_sync) == context.replica_id_in_sync_group
    sizes = total(tf.where(mine, size, 0))
    before = tf.range(context.num_replicas_in_sync) < context.replica_id_in_sync_group
    return tf.reduce_sum(tf.where(before, sizes, 0)), tf.reduce_sum(sizes)


def gather(local: tf.Tensor) -> tf.Tensor:
    """Concatenates the rows of all replicas: [rows, ...] -> [batch, ...]; differentiable."""
    if _context() is None:
        return local
    first, size = locate_rows(local)
    after = size - first - tf.shape(local)[0]
    paddings = tf.pad([[first, after]], [[0, len(local.shape) - 1], [0, 0]])
    return tf.ensure_shape(total(tf.pad(local, paddings)), [None, *local.shape[1:]])


def scatter(values: tf.Tensor, local: tf.Tensor) -> tf.Tensor:
    """The rows of `values` [batch, ...] at the position of this replica's `local`."""
    if _context() is None:
        return values
    first, _ = locate_rows(local)
    return values[first : first + tf.shape(local)[0]]


def share_of_mean(local: tf.Tensor) -> tf.Tensor:
    """This replica's share of the mean of `local` [rows] over the batch."""
    if _context() is None:
        return tf.reduce_mean(local)
    _, size = locate_rows(local)
    return tf.reduce_sum(local) / tf.cast(size, local.dtype)


def equal_share(value: tf.Tensor) -> tf.Tensor:
    """This replica's share of a value that is equal on all replicas."""
    return value / count()


def normal_like(local: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Standard normal noise for `local` [rows, latents]: its rows of the batch's noise.

    Args:
      local: [rows, ...], for its shape and dtype.
      seed: int32 or int64 [2]; the same seed gives the same noise on every device and any number of replicas.
    """
    _, size = locate_rows(local)
    bits = random_bits(tf.concat([[size], tf.shape(local)[1:]], axis=0), seed)
    return scatter(tf.cast(normal_from_bits(bits), local.dtype), local)


def normal_from_bits(bits: tf.Tensor) -> tf.Tensor:
    """Standard normal noise, float32, from uniform int32 `bits` of any shape.

    The upper 24 bits choose one of 2^24 equally probable intervals, whose middle's quantile is the result. `bits` and
    `~bits` give exactly opposite numbers; the largest is 5.42. All quantiles are computed in the lower half, since
    probabilities near 1, as in TensorFlow's erfinv, round to 1 in float32, whose quantile is infinite.
    """
    middle = (tf.cast(tf.bitwise.right_shift(bits, 8), tf.float32) + 0.5) * 2.0**-23  # in (-1, 1), exact
    return -tf.sign(middle) * tf.math.ndtri(0.5 - 0.5 * tf.abs(middle))


def random_bits(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Uniform int32 of `shape` from seed [2].

    XLA and TensorFlow's kernels draw the same integers from a seed, but different floats.
    """
    return tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.int32, alg="philox")
