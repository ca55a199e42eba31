"""CPU time of one training step of the reference network: plain Keras against the trainer, in one run.

    python benchmarks/train_step.py [--batch_sizes=64,256] [--images=4096] [--rounds=5] [--threads=0]

All train the same beta-TCVAE (64 x 64 x 1, 10 latents) from the same weights on the same batches and noise. "Keras"
is what one writes first: keras.layers.BatchNormalization and ReLU layers, keras.optimizers.Adam, one tf.function per
step, convolutions of 4x4-valid and 1x1, float32. The rounds take turns, so that a busy machine slows all alike. Prints
a JSON line for each batch size and precision of the trainer: CPU milliseconds an image, the least of the rounds, which
other programs change little, and their ratio; images a second by the clock; and how far the trainer is from plain Keras
after a step. In float32 their gradients differ by as much as either does from a float64 computation (1e-3 here, for
images that are mostly black), and Adam's first update makes a full step of the learning rate from every one, however
small.
"""

import functools
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import measuring
import numpy as np
import tensorflow as tf
from absl import app, flags
from keras import layers

from rdl.models.build import build
from rdl.models.networks.reference import reference_decoder, reference_encoder
from rdl.models.objectives.objective import beta_tc_vae
from rdl.models.vae import VAE, as_float
from rdl.seeds import derive, generator
from rdl.training.batches import stream
from rdl.training.trainer import Trainer

FLAGS = flags.FLAGS
flags.DEFINE_list("batch_sizes", ["64", "256"], "Images per step.")
flags.DEFINE_integer("images", 4096, "Images per round.")
flags.DEFINE_integer("rounds", 5, "Timed rounds of each; one more warms up.")
flags.DEFINE_list("precisions", ["float32", "mixed_bfloat16"], "The trainer's, each against plain Keras in float32.")
flags.DEFINE_integer("threads", 0, "Threads per operation; 0 is TensorFlow's default.")

SHAPE, LATENTS, BETA, RATE, SEED = (64, 64, 1), 10, 6.0, 1e-4, 1


class MadeImages:
    """White discs on black, as many black pixels as dSprites has or so."""

    name, shape = "discs", SHAPE

    def __init__(self, count=2048):
        place = generator(SEED, "discs").uniform(12, 52, size=(count, 2, 1, 1))
        y, x = np.mgrid[:64, :64]
        self.pixels = (((x - place[:, 0]) ** 2 + (y - place[:, 1]) ** 2 < 80) * np.uint8(255))[..., None]

    def __len__(self):
        return len(self.pixels)

    def images(self, indices):
        return self.pixels[indices]


def normalized(hidden):
    hidden = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(hidden)
    return layers.ReLU()(hidden)


def plain_encoder():
    images = keras.Input(SHAPE)
    hidden = images
    for filters in (32, 32, 64, 64):
        hidden = normalized(layers.Conv2D(filters, 4, 2, "same", use_bias=False)(hidden))
    hidden = normalized(layers.Conv2D(512, 4, use_bias=False)(hidden))
    parameters = layers.Flatten()(layers.Conv2D(2 * LATENTS, 1)(hidden))
    return keras.Model(images, (parameters[:, :LATENTS], parameters[:, LATENTS:]))


def plain_decoder():
    latents = keras.Input((LATENTS,))
    hidden = layers.Reshape((1, 1, LATENTS))(latents)
    hidden = normalized(layers.Conv2D(512, 1, use_bias=False)(hidden))
    hidden = normalized(layers.Conv2DTranspose(64, 4, use_bias=False)(hidden))
    for filters in (64, 32, 32):
        hidden = normalized(layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False)(hidden))
    return keras.Model(latents, layers.Conv2DTranspose(1, 4, 2, "same")(hidden))


class PlainKeras:
    """The same training, step by step."""

    def __init__(self):
        self.vae = VAE(plain_encoder(), plain_decoder(), beta_tc_vae(BETA))
        self.optimizer = keras.optimizers.Adam(RATE, epsilon=1e-8)
        self.optimizer.build(self.vae.trainable_variables)
        self.step = tf.function(self._step, reduce_retracing=True)

    def _step(self, images, seed, step, size):
        with tf.GradientTape() as tape:
            losses = self.vae.losses(as_float(images), seed, step, size, {"beta": tf.constant(BETA)})
            loss = tf.add_n(list(losses["vae"].values()))
        gradients = tape.gradient(loss, [v.value for v in self.vae.trainable_variables])
        self.optimizer.apply(gradients, self.vae.trainable_variables)
        return loss

    def train(self, images, count, batch_size):
        loss = tf.constant(0.0)
        for step in range(count // batch_size):
            batch = images.images(stream(SEED, len(images), step * batch_size, batch_size))
            seed = tf.constant([derive(SEED, "noise"), step])
            loss = self.step(tf.constant(batch), seed, tf.constant(step), tf.constant(float(len(images))))
        return loss


def same_weights(ours: VAE, plain: VAE) -> None:
    """Gives the plain model our weights; a dense layer's are those of the convolution that it is."""
    for a, b in zip(ours.weights, plain.weights, strict=True):
        b.assign(as_convolution(a.numpy(), tuple(b.shape)))


def as_convolution(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A dense kernel in the shape of the convolution's; a transposed one's is [height, width, outputs, inputs]."""
    if value.ndim == 2 and shape[:2] == (4, 4) and value.shape[0] == shape[3]:
        inputs = value.shape[0]
        value = value.reshape(inputs, 4, 4, -1).transpose(1, 2, 3, 0)
    return value.reshape(shape)


def difference(ours, plain) -> float:
    """Norm of the difference of two lists of arrays, relative to the norm of the second."""
    squares, size = 0.0, 0.0
    for a, b in zip(ours, plain, strict=True):
        a, b = as_convolution(a.numpy(), tuple(b.shape)).astype(np.float64), b.numpy().astype(np.float64)
        squares, size = squares + np.square(a - b).sum(), size + np.square(b).sum()
    return float(np.sqrt(squares / size))


def measure(batch_size: int, plain: PlainKeras, trainers: dict[str, Trainer]) -> None:
    """Prints a line for each trainer."""
    images, count = MadeImages(), FLAGS.images

    def train(trainer: Trainer, number: int) -> float:
        settings = {"learning_rate": RATE, "hyperparameters": {"beta": BETA}, "seed": SEED}
        return sum(trainer.train(images, number, batch_size=batch_size, **settings)["vae"].values())

    gaps = {}
    for precision, trainer in trainers.items():
        ours = trainer.model.models[0]
        trainer.initialize(0)
        same_weights(ours, plain.vae)
        for variable in plain.optimizer.variables[2:]:
            variable.assign(tf.zeros_like(variable))
        plain.optimizer.iterations.assign(0)
        loss = train(trainer, batch_size)
        gaps[precision] = {
            "loss_gap": abs(loss / float(plain.train(images, batch_size, batch_size)) - 1),
            "gradient_gap": difference(trainer.optimizers[0]["vae"].first_moments, plain.optimizer._momentums),
        }
    ways = {"keras": lambda: float(plain.train(images, count, batch_size))}
    ways |= {name: functools.partial(train, trainer, count) for name, trainer in trainers.items()}
    cpu, wall = measuring.seconds(ways, FLAGS.rounds)
    cost = {name: 1e3 * min(spent) / count for name, spent in cpu.items()}
    rate = {name: count / statistics.median(spent) for name, spent in wall.items()}
    for name in trainers:
        measuring.emit(
            "train_step", batch_size=batch_size, precision=name, keras_cpu_ms=cost["keras"], cpu_ms=cost[name],
            ratio=cost["keras"] / cost[name], keras_images_s=rate["keras"], images_s=rate[name], **gaps[name],
        )  # fmt: skip


def main(_):
    if FLAGS.threads:
        tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
    measuring.emit_machine("train_step")
    trainers = {
        precision: Trainer(
            build(SHAPE, 1, reference_encoder, reference_decoder, beta_tc_vae, LATENTS, precision=precision)
        )
        for precision in FLAGS.precisions
    }
    plain = PlainKeras()
    for batch_size in map(int, FLAGS.batch_sizes):
        measure(batch_size, plain, trainers)


if __name__ == "__main__":
    app.run(main)
