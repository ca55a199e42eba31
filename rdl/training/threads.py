"""How TensorFlow spreads its work over the CPU's cores."""

import os

import tensorflow as tf


def run_models_side_by_side(cores: int | None = None) -> None:
    """One thread per operation, as many operations at once as there are cores; call before the first operation.

    The models of an ensemble are independent parts of one graph: they run in parallel with hardly any waiting, where
    splitting each small operation over the cores costs more than it saves (twice the images per second for small
    networks on two cores). With one thread per operation results do not depend on the number of cores either.

    Args:
      cores: at most so many operations at once; all cores that this process may use if None.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(cores or len(os.sched_getaffinity(0)))
