"""Runs a tiny search on two logical CPUs under the strategy named on the command line; see test_mirrored.py.

    python mirrored_program.py STRATEGY IMAGES FOLDER

Prints the number of replicas and the best member's score.
"""

import sys

import gin
import tensorflow as tf

from rdl.cli import configure
from rdl.jobs import experiment
from rdl.jobs.vae_learner import VAELearner

configure()

CONFIG = """
dataset.name = "{images}"
experiment.job = @search
display.quiet = True
strategy.name = "{strategy}"
model.encoder = @reference_encoder
model.decoder = @reference_decoder
model.num_latents = 3
one_point.objective = @beta_tc_vae
one_point.batch_size = 9
population.search_space = @one_point()
population.size = 1
population.models = 2
population.images = 45
population.generations = 2
"""


def main(strategy: str, images: str, folder: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    gin.parse_config(CONFIG.format(images=images, strategy=strategy))
    summary = experiment.experiment(folder)
    trainer = VAELearner.from_gin().trainer((16, 16, 1), 2)
    print(trainer._strategy.num_replicas_in_sync, summary["final.score"])


if __name__ == "__main__":
    main(*sys.argv[1:])
