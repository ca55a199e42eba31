"""Trains a model on one device and on several replicas; run by test_replicas.py in other processes.

    python replicas_program.py STRATEGY OBJECTIVE NETWORK BATCH_SIZE STEPS

STRATEGY is mirrored (two logical CPU devices) or multi_worker (TF_CONFIG is set). Prints one JSON object: the largest
differences between the two of any weight, of any loss term relative to its size, and of any of the optimiser's first
moments relative to the largest of its weight.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import gin
import numpy as np
import tensorflow as tf

if sys.argv[1] == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from rdl.data import ImageSet
from rdl.data.factors import Grid
from rdl.data.sources import ArraySource
from rdl.models.build import build
from rdl.models.networks import reference as reference_networks
from rdl.models.networks import small as small_networks
from rdl.models.objectives import objective as objectives
from rdl.models.objectives import paired, supervised
from rdl.models.objectives.factor_vae import factor_vae
from rdl.models.objectives.factorised_support import factorised_support
from rdl.training.strategies import strategy
from rdl.training.trainer import Trainer

OBJECTIVES = {
    "beta_tc_vae": objectives.beta_tc_vae,
    "factor_vae": factor_vae,
    "dip_vae": objectives.dip_vae,
    "annealed_vae": objectives.annealed_vae,
    "factorised_support": factorised_support,
    "ada_gvae": paired.ada_gvae,
    "group_vae": lambda: paired.group_vae(shared=2),
    "few_labels": lambda: supervised.few_labels(objectives.beta_tc_vae),
    "few_labels_covariance": lambda: supervised.few_labels(objectives.vae, "covariance_to_identity"),
}
NETWORKS = {
    "reference": (reference_networks.reference_encoder, reference_networks.reference_decoder),
    "small": (small_networks.small_fc_encoder, small_networks.small_fc_decoder),
}


SHAPE = (16, 16, 1)


def blocks() -> ImageSet:
    made = np.random.default_rng(0).random((300, 4, 4, 1)) < 0.5
    pixels = made.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8) * 255
    return ImageSet("blocks", ArraySource(pixels, "blocks"), Grid.over(("a", "b"), (15, 20)))


def train(replicas, objective, network, batch_size, steps, precision="float32"):
    with replicas.scope():
        model = build(SHAPE, 1, *NETWORKS[network], OBJECTIVES[objective], 4, precision)
        trainer = Trainer(model, chunk_images=5 * batch_size)
    terms = []
    trainer.train(
        blocks(), batch_size * steps, batch_size=batch_size, learning_rate=1e-4, seed=3,
        on_chunk=lambda step, means: terms.append(means),
    )  # fmt: skip
    return trainer.state(), terms, trainer.traces


def main(name, objective, network, batch_size, steps, precision="float32"):
    gin.parse_config("fc_discriminator.width = 50")
    several = strategy(name)
    arguments = objective, network, int(batch_size), int(steps), precision
    (state, terms, traces), (state_1, terms_1, _) = train(several, *arguments), train(strategy(), *arguments)
    weights = max(float(np.abs(state[k] - state_1[k]).max()) for k in state if "moments" not in k)
    relative = [
        float(np.abs(state[k] - state_1[k]).max() / np.abs(state_1[k]).max()) for k in state if "first_moments" in k
    ]
    pairs = [(a[p][k], b[p][k]) for a, b in zip(terms, terms_1, strict=True) for p in a for k in a[p]]
    result = {
        "replicas": several.num_replicas_in_sync,
        "weights": weights,
        "terms": max(abs(a - b) / max(1.0, abs(b)) for a, b in pairs),
        "first_moments": max(relative),
        "traces": traces,
    }
    print(json.dumps(result))


main(*sys.argv[1:])
