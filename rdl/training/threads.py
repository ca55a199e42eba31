"""How TensorFlow spreads its work over the CPU's cores."""

import gin
import tensorflow as tf

from rdl.runs import environment
from rdl.training.strategies import strategy


def run_models_side_by_side(cores: int | None = None) -> None:
    """One thread per operation, as many operations at once as there are cores; call before the first operation.

    The models of an ensemble are independent parts of one graph: they run in parallel with hardly any waiting, where
    splitting each small operation over the cores costs more than it saves (twice the images per second for small
    networks on two cores). With one thread per operation results do not depend on the number of cores either.

    Args:
      cores: at most so many operations at once; all cores that this process may use if None.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(cores or environment.cores())


def models_run_side_by_side() -> bool:
    """Whether operations have one thread each, so that the models of an ensemble should not wait for each other."""
    return tf.config.threading.get_intra_op_parallelism_threads() == 1


def members_at_once(models: int) -> int:
    """How many members of so many models keep all cores busy: several where a member's models are too few for them."""
    if not models_run_side_by_side() or strategy().num_replicas_in_sync > 1:
        return 1
    return max(1, tf.config.threading.get_inter_op_parallelism_threads() // models)


@gin.configurable("threads")
def configure_threads(models_side_by_side: bool = False, deterministic: bool = True) -> None:
    """What a binary does before TensorFlow's first operation.

    Args:
      models_side_by_side: one thread per operation, for ensembles of small networks.
      deterministic: the same inputs give the same bits, at some cost in speed on a GPU.
    """
    if models_side_by_side:
        run_models_side_by_side()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
