"""The networks and the training of `train_step.py` in plain Keras, as one would write them without rdl."""

from dataclasses import dataclass

import keras
import tensorflow as tf
from keras import layers

from rdl.models.networks.reference import reference_decoder, reference_encoder
from rdl.models.networks.small import small_conv_decoder, small_conv_encoder
from rdl.models.objectives.objective import beta_tc_vae
from rdl.models.vae import VAE, as_float
from rdl.seeds import derive
from rdl.training.batches import shuffled_stream

LATENTS, BETA, RATE, SEED = 10, 6.0, 1e-4, 1


def normalized(hidden):
    hidden = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(hidden)
    return layers.ReLU()(hidden)


def plain_encoder(shape, latents):
    images = keras.Input(shape)
    hidden = images
    for filters in (32, 32, 64, 64):
        hidden = normalized(layers.Conv2D(filters, 4, 2, "same", use_bias=False)(hidden))
    hidden = normalized(layers.Conv2D(512, 4, use_bias=False)(hidden))
    parameters = layers.Flatten()(layers.Conv2D(2 * latents, 1)(hidden))
    return keras.Model(images, (parameters[:, :latents], parameters[:, latents:]))


def plain_decoder(shape, latents):
    inputs = keras.Input((latents,))
    hidden = layers.Reshape((1, 1, latents))(inputs)
    hidden = normalized(layers.Conv2D(512, 1, use_bias=False)(hidden))
    hidden = normalized(layers.Conv2DTranspose(64, 4, use_bias=False)(hidden))
    for filters in (64, 32, 32):
        hidden = normalized(layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False)(hidden))
    return keras.Model(inputs, layers.Conv2DTranspose(shape[-1], 4, 2, "same")(hidden))


def plain_small_encoder(shape, latents):
    images = keras.Input(shape)
    hidden = images
    for filters in (16, 32, 32):
        hidden = layers.Conv2D(filters, 4, 2, "same", activation="relu")(hidden)
    hidden = layers.Dense(128, activation="relu")(layers.Flatten()(hidden))
    return keras.Model(images, (layers.Dense(latents)(hidden), layers.Dense(latents)(hidden)))


def plain_small_decoder(shape, latents):
    side = shape[0] // 8
    inputs = keras.Input((latents,))
    hidden = layers.Dense(128, activation="relu")(inputs)
    hidden = layers.Dense(side * side * 32, activation="relu")(hidden)
    hidden = layers.Reshape((side, side, 32))(hidden)
    for filters in (32, 16):
        hidden = layers.Conv2DTranspose(filters, 4, 2, "same", activation="relu")(hidden)
    return keras.Model(inputs, layers.Conv2DTranspose(shape[-1], 4, 2, "same")(hidden))


@dataclass(frozen=True)
class Network:
    """Networks in both implementations, and the ensemble that rdl trains."""

    side: int
    models: int
    rdl: tuple
    plain: tuple

    @property
    def shape(self):
        return (self.side, self.side, 1)


NETWORKS = {
    "reference": Network(64, 1, (reference_encoder, reference_decoder), (plain_encoder, plain_decoder)),
    "small_conv": Network(32, 4, (small_conv_encoder, small_conv_decoder), (plain_small_encoder, plain_small_decoder)),
}


class PlainKeras:
    """The training in plain Keras, of one VAE."""

    def __init__(self, network: Network):
        encoder, decoder = (make(network.shape, LATENTS) for make in network.plain)
        self.vae = VAE(encoder, decoder, beta_tc_vae(BETA))
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
            batch = images.images(shuffled_stream(SEED, len(images), step * batch_size, batch_size))
            seed = tf.constant([derive(SEED, "noise"), step])
            loss = self.step(tf.constant(batch), seed, tf.constant(step), tf.constant(float(len(images))))
        return float(loss)
