"""Prints the loss of the ladder of a gin text after some updates on one device, and on two logical devices."""

import sys

import gin
import numpy as np
import tensorflow as tf

from rdl import models
from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.training import Trainer


def main() -> None:
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    gin.parse_config(sys.argv[1])
    pixels = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), np.uint8)
    images = ImageSet("random", ArraySource(pixels, "random"))
    for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
        strategy = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())
        with strategy.scope():
            trainer = Trainer(models.build(images.shape))
        trainer.initialize(1)
        terms = trainer.train(images, 7 * 8, batch_size=8, learning_rate=1e-2, seed=3)
        print(sum(terms["vae"].values()))


if __name__ == "__main__":
    main()
