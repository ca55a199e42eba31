"""Prints a ladder's loss after some updates on one device, and on two logical devices (see test_ladder.py)."""

import gin
import numpy as np
import tensorflow as tf

from rdl import models
from rdl.data import ImageSet
from rdl.data.sources import ArraySource
from rdl.training import Trainer

CONFIG = """
model.encoder = @ladder_encoder
model.decoder = @ladder_decoder
model.objective = @pro_vlae
model.num_latents = 4
levels.count = 2
ladder_encoder.filters = (4, 4)
ladder_decoder.filters = (4, 4)
ladder_encoder.width = 8
ladder_decoder.width = 8
progressive.updates_per_step = 4
progressive.fade_in_updates = 3
"""


def main() -> None:
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    gin.parse_config(CONFIG)
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
