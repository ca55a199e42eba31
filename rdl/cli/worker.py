"""The executor that gin names, whose processes train as this one would: the same configuration, the same threads."""

import functools

import gin
import tensorflow as tf

from rdl.cli.configuration import configure
from rdl.execution import Executor, build_executor
from rdl.training import threads


def executor() -> Executor:
    """The executor of gin's present configuration; close it when done.

    Raises:
      UserError: no such executor, or its package is missing.
    """
    return build_executor(setup=functools.partial(prepare_worker, gin.config_str()))


def prepare_worker(config: str, cpus: float) -> None:
    """Readies a fresh process for members.

    Args:
      config: gin's text of the run's whole configuration, ``gin.config_str()``.
      cpus: so many operations may run side by side. One operation gets as many threads as in a serial run: its
        result may depend on them.
    """
    configure()
    gin.parse_config(config)
    threads.configure_threads()
    tf.config.threading.set_inter_op_parallelism_threads(max(1, int(cpus)))
