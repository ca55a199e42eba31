"""Posterior, prior and likelihood as TFP distributions."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability import util as tfu


class DiagonalNormal(tfd.Independent):
    """A normal with independent coordinates, given by mean and log variance, both [batch, latents].

    TFP's normal takes a standard deviation; ours keeps the log variance, so that densities need no logarithm of
    an exponential and stay exact where the variance has underflown.
    """

    def __init__(self, loc: tf.Tensor, log_variance: tf.Tensor):
        super().__init__(tfd.Normal(loc, tf.exp(0.5 * log_variance)), reinterpreted_batch_ndims=1)
        self.log_variance = log_variance
        self._parameters = {"loc": loc, "log_variance": log_variance}  # what a slice or a copy is made of

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {name: tfu.ParameterProperties(event_ndims=1) for name in ("loc", "log_variance")}

    @property
    def loc(self) -> tf.Tensor:
        """The means, [batch, latents]."""
        return self.distribution.loc

    def _log_prob(self, value):
        return tf.reduce_sum(normal_log_prob(value, self.loc, self.log_variance), axis=-1)


def prior_like(latents: tf.Tensor) -> tfd.Distribution:
    """p(z) = N(0, I) for latents [..., latents]; event shape [latents]."""
    zeros = tf.zeros(tf.shape(latents)[-1:], latents.dtype)
    return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), reinterpreted_batch_ndims=1)


class _Pixels(tfd.Bernoulli):
    """Bernoulli whose log density takes intensities in [0, 1], by one softplus: x l - log(1 + exp(l))."""

    def _log_prob(self, event):
        logits = self.logits_parameter()
        return event * logits - tf.nn.softplus(logits)


def bernoulli_image(logits: tf.Tensor) -> tfd.Distribution:
    """p(x | z): independent Bernoulli pixels; event shape [height, width, channels], logits [batch, h, w, c]."""
    return tfd.Independent(_Pixels(logits=logits, dtype=logits.dtype), reinterpreted_batch_ndims=3)


def normal_log_prob(value: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log N(value; mean, exp(log_variance)), elementwise."""
    log_2pi = 1.8378770664093453
    squared = tf.square((value - mean) * tf.exp(-0.5 * log_variance))
    return -0.5 * (squared + log_variance + log_2pi)


def kl_to_prior(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, elementwise: [batch, latents]."""
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0)
