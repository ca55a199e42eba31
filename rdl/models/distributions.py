"""Posterior, prior and likelihoods of images as TFP distributions."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability import util as tfu

_LOG_2PI = 1.8378770664093453


class DiagonalNormal(tfd.Independent):
    """A normal with independent coordinates, parametrised by mean and log variance, each [batch, latents].

    TFP's normal takes a standard deviation. This class keeps the log variance, so that densities need no logarithm of
    an exponential and stay exact where the variance underflows.
    """

    def __init__(self, loc: tf.Tensor, log_variance: tf.Tensor):
        super().__init__(tfd.Normal(loc, tf.exp(0.5 * log_variance)), reinterpreted_batch_ndims=1)
        self.log_variance = log_variance
        self._parameters = {"loc": loc, "log_variance": log_variance}  # from which TFP makes slices and copies

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


class _BernoulliPixels(tfd.Bernoulli):
    """Bernoulli whose log density takes intensities x in [0, 1], by one softplus: x l - log(1 + exp(l))."""

    def _log_prob(self, event):
        logits = self.logits_parameter()
        return event * logits - tf.nn.softplus(logits)


class _ContinuousBernoulliPixels(tfd.ContinuousBernoulli):
    """Continuous Bernoulli of logits l, exact for all l: p(x) = l exp(l x) / (exp(l) - 1) on [0, 1].

    TFP's log normaliser cancels around l = 0. With u = l / 2 the density is exp((x - 1/2) l) u / sinh(u), whose parts
    are even or odd in u and need no cancellation.
    """

    def _log_prob(self, event):
        logits = self.logits_parameter()
        return (event - 0.5) * logits - _log_sinhc(0.5 * logits)

    def _mean(self):
        return 0.5 + 0.5 * _langevin(0.5 * self.logits_parameter())


def bernoulli_image(logits: tf.Tensor) -> tfd.Distribution:
    """Independent Bernoulli pixels; event shape [height, width, channels], logits [batch, h, w, c]."""
    return tfd.Independent(_BernoulliPixels(logits=logits, dtype=logits.dtype), reinterpreted_batch_ndims=3)


def continuous_bernoulli_image(logits: tf.Tensor) -> tfd.Distribution:
    """Independent continuous Bernoulli pixels (Loaiza-Ganem and Cunningham 2019, equation 5); shapes as above."""
    pixels = _ContinuousBernoulliPixels(logits=logits, dtype=logits.dtype)
    return tfd.Independent(pixels, reinterpreted_batch_ndims=3)


def normal_image(mean: tf.Tensor, scale: tf.Tensor | float) -> tfd.Distribution:
    """Independent normal pixels with means [batch, height, width, channels] and one standard deviation."""
    return tfd.Independent(
        tfd.Normal(mean, tf.cast(tf.convert_to_tensor(scale, dtype_hint=mean.dtype), mean.dtype)),
        reinterpreted_batch_ndims=3,
    )


def normal_log_prob(value: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log N(value; mean, exp(log_variance)), elementwise."""
    squared = tf.square((value - mean) * tf.exp(-0.5 * log_variance))
    return -0.5 * (squared + log_variance + _LOG_2PI)


def kl_to_prior(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, elementwise: [batch, latents]."""
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0)


def _log_sinhc(u: tf.Tensor) -> tf.Tensor:
    """log(sinh(u) / u), elementwise: by its series for |u| < 0.3, exact to 1e-12, else in closed form."""
    is_small = tf.abs(u) < 0.3
    square = tf.square(tf.where(is_small, u, tf.zeros_like(u)))
    series = square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square * (1 / 37800 - square / 467775))))
    size = tf.where(is_small, tf.ones_like(u), tf.abs(u))  # away from 0, so that gradients of both branches are finite
    return tf.where(is_small, series, size + tf.math.log1p(-tf.exp(-2.0 * size)) - tf.math.log(2.0 * size))


def _langevin(u: tf.Tensor) -> tf.Tensor:
    """coth(u) - 1 / u, the derivative of `_log_sinhc`, elementwise."""
    is_small = tf.abs(u) < 0.3
    small = tf.where(is_small, u, tf.zeros_like(u))
    square = tf.square(small)
    series = small * (1 / 3 - square * (1 / 45 - square * (2 / 945 - square * (1 / 4725 - square * 2 / 93555))))
    large = tf.where(is_small, tf.ones_like(u), u)
    return tf.where(is_small, series, 1.0 / tf.tanh(large) - 1.0 / large)
