"""TensorFlow's threads, and how ensembles use them."""

import gin
import tensorflow as tf

from rdl.runs import environment
from rdl.training.strategies import strategy


def run_models_side_by_side(cores: int | None = None) -> None:
    """Gives each operation one thread and runs one operation a core; call before the first operation.

    The models of an ensemble are independent parts of one graph and run in parallel almost without waiting. For small
    networks this doubles the images per second on two cores, as splitting small operations over cores costs more than
    it saves. It also makes results independent of the number of cores.

    Args:
      cores: operations at once; None: the number of cores that this process may use.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(cores or environment.cores())


def models_run_side_by_side() -> bool:
    """Whether operations have one thread each, so that the models of an ensemble run in parallel."""
    return tf.config.threading.get_intra_op_parallelism_threads() == 1


def members_at_once(models: int) -> int:
    """The number of members, of `models` models each, that keep all cores busy."""
    if not models_run_side_by_side() or strategy().num_replicas_in_sync > 1:
        return 1
    return max(1, tf.config.threading.get_inter_op_parallelism_threads() // models)


@gin.configurable("threads")
def configure_threads(models_side_by_side: bool = False, deterministic: bool = True) -> None:
    """Configures TensorFlow's threads; call before the first operation.

    Args:
      models_side_by_side: one thread per operation, for ensembles of small networks.
      deterministic: the same inputs give the same bits, which costs some speed on a GPU.
    """
    if models_side_by_side:
        run_models_side_by_side()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
