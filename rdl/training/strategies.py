"""The tf.distribute strategies that training can use."""

import os

import gin
import tensorflow as tf

from rdl.errors import UserError


@gin.configurable
def strategy(name: str = "one_device") -> tf.distribute.Strategy:
    """The strategy in whose `scope()` the model and its trainer must be made.

    Args:
      name: "one_device"; "mirrored", which splits every batch over all GPUs of this process, or over all logical CPUs
        if it has no GPU; or "multi_worker", which splits it over the machines listed in the environment variable
        TF_CONFIG, each of which starts the same program. "multi_worker" is for your own programs around a `Trainer`;
        populations use several machines through Ray.

    Raises:
      UserError: an unknown name, TF_CONFIG is missing, or TensorFlow has started too early to join other machines.
    """
    if name == "one_device":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
    if name == "multi_worker":
        if not os.environ.get("TF_CONFIG"):
            raise UserError(
                "strategy.name = 'multi_worker' needs the environment variable TF_CONFIG, got none; set it to "
                '{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}.'
            )
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:  # it must be made before TensorFlow's first operation
            raise UserError(
                f"strategy.name = 'multi_worker' cannot start here ({str(error).splitlines()[0]}); to train a "
                "population on several machines, set executor.name = 'ray'."
            ) from error
    raise UserError(f"strategy.name must be one_device, mirrored or multi_worker, got {name!r}; set it to one of them.")
