"""The executor that gin selects. Its worker processes have the configuration and threads of this process."""

import functools

import gin
import tensorflow as tf

from rdl.cli.configuration import configure
from rdl.execution import Executor, build_executor
from rdl.training import threads


def executor() -> Executor:
    """Builds the executor of the current gin configuration; close it after use.

    Raises:
      UserError: unknown executor, or its package is missing.
    """
    return build_executor(setup=functools.partial(prepare_worker, gin.config_str()))


def prepare_worker(config: str, cpus: float) -> None:
    """Configures a new worker process for training members.

    Args:
      config: the run's whole configuration as gin text, ``gin.config_str()``.
      cpus: number of operations that may run in parallel. One operation has as many threads as in a serial run, since
        its result may depend on them.
    """
    configure()
    gin.parse_config(config)
    threads.configure_threads()
    tf.config.threading.set_inter_op_parallelism_threads(max(1, int(cpus)))
