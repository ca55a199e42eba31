"""Trains a small beta-TCVAE on genuine dSprites images and writes its labels to `trained_labels.npz`.

    python tests/recursion/make_trained_labels.py FOLDER/dsprites_downsampled.npz

FOLDER holds the 46,080-image subset of dSprites (3 shapes x 6 scales x 10 orientations x 16 x 16 positions).
Every second position is used (11,520 images), pooled to 32 x 32. A convolutional VAE with 6 latents is trained for
5,000 steps of 64 images with beta 16, which takes about 3 minutes on one core. The file holds the labels of a quarter
of the images after 1,500 and after 5,000 steps, with the true positions, so that tests have real staircases without
training. Other machines and versions give slightly different labels.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

LATENTS, BETA, BATCH, SEED = 6, 16.0, 64, 0


def read_images(path):
    with np.load(path, allow_pickle=False) as arrays:
        images, factors = arrays["imgs"], arrays["latents_classes"]
    factors = np.stack([np.unique(column, return_inverse=True)[1] for column in factors.T], axis=1)
    taken = (factors[:, 3] % 2 == 0) & (factors[:, 4] % 2 == 0)
    images = images[taken].reshape(-1, 32, 2, 32, 2).mean((2, 4))[..., None]
    return images.astype(np.float32), factors[taken] // [1, 1, 1, 2, 2]


def networks():
    layers, relu = keras.layers, {"padding": "same", "activation": "relu"}
    encoder = keras.Sequential(
        [layers.Input((32, 32, 1))]
        + [layers.Conv2D(filters, 4, 2, **relu) for filters in (16, 32, 32)]
        + [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(2 * LATENTS)]
    )
    decoder = keras.Sequential(
        [layers.Input((LATENTS,)), layers.Dense(128, "relu"), layers.Dense(512, "relu")]
        + [layers.Reshape((4, 4, 32))]
        + [layers.Conv2DTranspose(filters, 4, 2, **relu) for filters in (32, 16)]
        + [layers.Conv2DTranspose(1, 4, 2, padding="same")]
    )
    return encoder, decoder


def log_normal(z, mean, log_variance):
    return -0.5 * (np.log(2 * np.pi) + log_variance + (z - mean) ** 2 * tf.exp(-log_variance))


def loss(encoder, decoder, images, dataset_size):
    mean, log_variance = tf.split(encoder(images), 2, axis=1)
    z = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
    errors = tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=decoder(z))
    joint = log_normal(z[:, None], mean[None], log_variance[None])
    weight = float(np.log(BATCH * dataset_size))
    log_qz = tf.reduce_logsumexp(tf.reduce_sum(joint, 2), 1) - weight
    log_product = tf.reduce_sum(tf.reduce_logsumexp(joint, 1) - weight, 1)
    log_posterior = tf.reduce_sum(log_normal(z, mean, log_variance), 1)
    log_prior = tf.reduce_sum(log_normal(z, 0.0, 0.0), 1)
    regulariser = (log_posterior - log_qz) + BETA * (log_qz - log_product) + (log_product - log_prior)
    return tf.reduce_mean(tf.reduce_sum(errors, (1, 2, 3)) + regulariser)


def main(path):
    images, factors = read_images(path)
    keras.utils.set_random_seed(SEED)
    encoder, decoder = networks()
    optimizer, generator = keras.optimizers.Adam(1e-3), np.random.default_rng(SEED)
    variables = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            value = loss(encoder, decoder, batch, len(images))
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    kept = np.sort(np.random.default_rng([SEED, 1]).choice(len(images), len(images) // 4, replace=False))
    arrays = {"positions": factors[kept, 3:].astype(np.uint8)}
    for number in range(1, 5001):
        step(tf.constant(images[generator.choice(len(images), BATCH, replace=False)]))
        if number in (1500, 5000):
            posterior = [encoder(images[i : i + 960]).numpy() for i in range(0, len(images), 960)]
            means, log_variances = np.split(np.concatenate(posterior), 2, axis=1)
            kl = 0.5 * np.mean(means**2 + np.exp(log_variances) - log_variances - 1, axis=0)
            print(number, "steps, KL of the latents", np.round(kl, 2), flush=True)
            arrays[f"labels_{number}"] = means[kept][:, kl > 1.0].astype(np.float32)
    np.savez_compressed(Path(__file__).with_name("trained_labels.npz"), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
