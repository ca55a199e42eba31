"""The likelihood p(x | z) of images, given the decoder's outputs; gin's `model.likelihood` chooses one.

A decoder gives one real number a pixel and channel, called logits for every likelihood:

    bernoulli             P(x = 1) = s(l), s the logistic function     images near black and white
    continuous_bernoulli  density l exp(l x) / (exp(l) - 1) on [0, 1]  grey levels and colours
    gaussian              N(s(l), scale^2), one scale for all pixels   grey levels and colours

The Bernoulli likelihood accepts grey levels too, although it is no density of them. Likelihoods other than Bernoulli
are the last layer of their decoder, which passes the logits on: a learned scale is a weight of the decoder, and
`likelihood_of` finds the likelihood of a decoder read from disk.
"""

from typing import Annotated

import gin
import keras
import tensorflow as tf
from keras import layers
from tensorflow_probability import distributions as tfd

from rdl.config.ranges import Between
from rdl.models.distributions import bernoulli_image, continuous_bernoulli_image, normal_image

_ROUNDING = 1.0 / 255.0 / 12.0**0.5  # standard deviation of the error of images rounded to 256 levels
_SPEED = 10.0


class Likelihood(layers.Layer):
    """p(x | z), parametrised by logits [batch, height, width, channels]; as a layer, passes the logits on."""

    def __init__(self, **kwargs):
        super().__init__(**{"name": "likelihood", "dtype": "float32"} | kwargs)

    def call(self, logits):
        """The logits."""
        return logits

    def distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        """p(x | z); event shape [height, width, channels]."""
        raise NotImplementedError

    def mean(self, logits: tf.Tensor) -> tf.Tensor:
        """The mean of p(x | z), in [0, 1]: the image that the model reconstructs."""
        return tf.sigmoid(logits)


class Bernoulli(Likelihood):
    """P(x = 1) = s(l)."""

    def distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        """Log probabilities take intensities in [0, 1]."""
        return bernoulli_image(logits)


@keras.saving.register_keras_serializable("rdl")
class ContinuousBernoulli(Likelihood):
    """Density l exp(l x) / (exp(l) - 1) on [0, 1]."""

    def distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        """Log probabilities are of densities on [0, 1], and may be positive."""
        return continuous_bernoulli_image(logits)

    def mean(self, logits: tf.Tensor) -> tf.Tensor:
        """1 / (1 - exp(-l)) - 1 / l."""
        return continuous_bernoulli_image(logits).mean()


@keras.saving.register_keras_serializable("rdl")
class Gaussian(Likelihood):
    """N(s(l), scale^2) with one scale for all pixels.

    A learned scale has scale^2 = exp(2 * 10 v) + r^2, where v is the weight and r the standard deviation of the error
    of rounding to 256 levels, below which no model of 8-bit images can be right. The factor 10 lets v keep up with the
    reconstructions: an update by Adam changes any weight by about the learning rate, and so log(scale) by 10 times it.

    Args:
      scale: the standard deviation, of intensities in [0, 1]; None: learned, from 0.25 on.
    """

    def __init__(self, scale: float | None = None, **kwargs):
        super().__init__(**kwargs)
        self.fixed_scale = scale
        self.log_scale_initializer = keras.initializers.Constant(tf.math.log(0.25).numpy().item() / _SPEED)

    def build(self, input_shape):
        """Makes the weight of a learned scale."""
        if self.fixed_scale is None:
            initializer = self.log_scale_initializer
            self.log_scale = self.add_weight(shape=(), initializer=initializer, name="log_scale", autocast=False)

    @property
    def scale(self) -> tf.Tensor:
        """The standard deviation, scalar."""
        if self.fixed_scale is not None:
            return tf.constant(self.fixed_scale, tf.float32)
        return tf.sqrt(tf.exp(2.0 * _SPEED * tf.convert_to_tensor(self.log_scale)) + _ROUNDING**2)

    def distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        """Log probabilities are of densities, and may be positive."""
        return normal_image(self.mean(logits), self.scale)

    def get_config(self):
        """The arguments of `__init__`."""
        return super().get_config() | {"scale": self.fixed_scale}


@gin.configurable
def bernoulli() -> Likelihood:
    """Bernoulli pixels."""
    return Bernoulli()


@gin.configurable
def continuous_bernoulli() -> Likelihood:
    """Continuous Bernoulli pixels (Loaiza-Ganem and Cunningham, NeurIPS 2019, arXiv 1907.06845)."""
    return ContinuousBernoulli()


@gin.configurable
def gaussian(scale: Annotated[float, Between(1e-3, 1e3)] | None = None) -> Likelihood:
    """Normal pixels; the scale is `Gaussian`'s."""
    return Gaussian(scale)


def with_likelihood(decoder: keras.Model, likelihood: Likelihood) -> keras.Model:
    """The decoder with the likelihood as its last layer; unchanged for Bernoulli, which a decoder has by default."""
    if isinstance(likelihood, Bernoulli):
        return decoder
    return keras.Model(decoder.inputs[0], likelihood(decoder.outputs[0]), name=decoder.name)


def likelihood_of(decoder: keras.Model) -> Likelihood:
    """The likelihood that a decoder's logits parametrise, in training or read from disk."""
    found = [layer for layer in decoder.layers if isinstance(layer, Likelihood)]
    return found[-1] if found else Bernoulli()
