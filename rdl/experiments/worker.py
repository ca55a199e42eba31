"""What makes another process train as this one would: the same gin configuration, the same threads."""

import gin
import tensorflow as tf

from rdl.training import threads


def prepare(config: str, cpus: float) -> None:
    """Readies a fresh process for members.

    Args:
      config: gin's text of the run's whole configuration, ``gin.config_str()``.
      cpus: so many operations may run side by side. One operation gets as many threads as in a serial run: its
        result may depend on them.
    """
    from rdl.experiments import display, experiment, registry  # noqa: F401  (every gin name; experiment imports this)

    gin.parse_config(config)
    threads.settle_threads()
    tf.config.threading.set_inter_op_parallelism_threads(max(1, int(cpus)))
