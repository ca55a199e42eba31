"""What the replicas of a tf.distribute strategy tell each other; with one replica every function is the identity.

A batch is the *global* batch: replica r holds some of its rows, in replica order, not always equally many.
Two conventions make sums over replicas right:

- a replica's loss is its *share*, the shares sum to the loss of the global batch, and the trainer sums gradients;
- every exchange is a sum, whose gradient is again a sum, so gradients reach the rows they came from.
"""

import tensorflow as tf


def _context() -> tf.distribute.ReplicaContext | None:
    """The replica we are in, or None where nobody else has to be asked."""
    context = tf.distribute.get_replica_context()
    return None if context is None or context.num_replicas_in_sync == 1 else context


def count() -> int:
    """How many replicas share the batch."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def total(values):
    """The sum of `values` (a tensor or a structure of tensors) over the replicas; differentiable."""
    context = _context()
    return values if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def rows(local: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where `local` [rows, ...] lies in the global batch: (first row, rows of the global batch), int32 scalars."""
    size, context = tf.shape(local)[0], _context()
    if context is None:
        return tf.constant(0), size
    mine = tf.range(context.num_replicas_in_sync) == context.replica_id_in_sync_group
    sizes = total(tf.where(mine, size, 0))
    before = tf.range(context.num_replicas_in_sync) < context.replica_id_in_sync_group
    return tf.reduce_sum(tf.where(before, sizes, 0)), tf.reduce_sum(sizes)


def gather(local: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas in order: [rows, ...] -> [rows of the global batch, ...]; differentiable."""
    if _context() is None:
        return local
    first, size = rows(local)
    after = size - first - tf.shape(local)[0]
    paddings = tf.pad([[first, after]], [[0, len(local.shape) - 1], [0, 0]])
    return tf.ensure_shape(total(tf.pad(local, paddings)), [None, *local.shape[1:]])


def scatter(values: tf.Tensor, local: tf.Tensor) -> tf.Tensor:
    """The rows of `values` [rows of the global batch, ...] that belong to this replica, which holds `local`."""
    if _context() is None:
        return values
    first, _ = rows(local)
    return values[first : first + tf.shape(local)[0]]


def share_of_mean(local: tf.Tensor) -> tf.Tensor:
    """This replica's share of the mean of [rows] over the global batch: the shares sum to it."""
    if _context() is None:
        return tf.reduce_mean(local)
    _, size = rows(local)
    return tf.reduce_sum(local) / tf.cast(size, local.dtype)


def equal_share(value: tf.Tensor) -> tf.Tensor:
    """This replica's share of a value that all replicas have computed alike."""
    return value / count()


def normal_like(local: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Standard normal noise for `local` [rows, latents]: its rows of the noise of the global batch.

    Args:
      local: [rows, ...], gives shape and dtype.
      seed: int32 or int64 [2]; the same seed gives the same numbers on every device and for every split.
    """
    _, size = rows(local)
    bits = random_bits(tf.concat([[size], tf.shape(local)[1:]], axis=0), seed)
    return scatter(tf.cast(normal_of_bits(bits), local.dtype), local)


def normal_of_bits(bits: tf.Tensor) -> tf.Tensor:
    """The standard normal's quantiles at the middles of 2^24 equal parts, float32 of int32 `bits` in any shape.

    The upper 24 bits choose the part; those of `bits` and of `~bits` are exactly each other's negatives, and the
    outermost are 5.42 from the middle. All are taken from the lower half: an upper probability, such as the erfinv
    of TensorFlow's plain kernels forms on the way, rounds to 1 in float32, and its quantile is infinite.
    """
    middle = (tf.cast(tf.bitwise.right_shift(bits, 8), tf.float32) + 0.5) * 2.0**-23  # in (-1, 1), exact
    return -tf.sign(middle) * tf.math.ndtri(0.5 - 0.5 * tf.abs(middle))


def random_bits(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Uniform int32 of `shape` from seed [2].

    Integers, because XLA and the plain kernels draw the same ones; their floats and normals differ for one seed.
    """
    return tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.int32, alg="philox")
