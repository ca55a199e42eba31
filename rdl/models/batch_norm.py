"""Batch normalisation with the moments of the global batch, fast on CPUs.

keras.layers.BatchNormalization computes it by some ten operations over the whole tensor. On one replica this layer
uses TensorFlow's fused kernel, which takes a third of the time and accepts bfloat16. On several replicas, which must
exchange sums within both passes, it computes sums by matrix products with a row of ones over [batch * height * width,
channels], and normalisation, ReLU and their gradients in one function. benchmarks/batch_norm.py times all three. Keras'
`synchronized=True` adds three exchanges, and computes the variance as E(x^2) - E(x)^2, which loses digits if the mean
is large.
"""

import keras
import tensorflow as tf

from rdl.models import replicas


def _column_sums(matrix: tf.Tensor) -> tf.Tensor:
    """Sums over the rows of all replicas, [rows, channels] -> [channels]."""
    ones = tf.ones((1, tf.shape(matrix)[0]), matrix.dtype)
    return replicas.total(tf.matmul(ones, matrix)[0])


def normalize_over_replicas(inputs, gamma, beta, epsilon: float, relu: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Batch norm over all axes but the last and over all replicas, then an optional ReLU.

    Args:
      inputs: [..., channels].
      gamma: [channels], scale.
      beta: [channels], shift.
      epsilon: added to the variance.
      relu: whether to apply ReLU.

    Returns:
      (outputs, mean [channels], variance [channels]); no gradient passes through the moments.
    """

    @tf.custom_gradient
    def function(inputs, gamma, beta):
        channels = inputs.shape[-1]
        flat = tf.reshape(inputs, (-1, channels))
        count = replicas.total(tf.cast(tf.shape(flat)[0], flat.dtype))
        mean = _column_sums(flat) / count
        centered = flat - mean
        variance = _column_sums(tf.square(centered)) / count
        inverse = tf.math.rsqrt(variance + epsilon)
        outputs = centered * (gamma * inverse) + beta
        outputs = tf.nn.relu(outputs) if relu else outputs

        def gradient(upstream, *_):
            upstream = tf.reshape(upstream, (-1, channels))
            if relu:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
            ones = tf.ones((1, tf.shape(upstream)[0]), upstream.dtype)
            d_beta = tf.matmul(ones, upstream)[0]
            d_scale = tf.matmul(ones, upstream * centered)[0]
            all_beta, all_scale = replicas.total([d_beta, d_scale])
            slope = all_scale * tf.square(inverse) / count
            d_inputs = (upstream - all_beta / count - centered * slope) * (gamma * inverse)
            return tf.reshape(d_inputs, tf.shape(inputs)), d_scale * inverse, d_beta

        return (tf.reshape(outputs, tf.shape(inputs)), mean, variance), gradient

    return function(inputs, gamma, beta)  # pyright: ignore[reportReturnType]


def normalize_fused(inputs, gamma, beta, epsilon: float, relu: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`normalize_over_replicas` for one replica by TensorFlow's kernel. Inputs may be bfloat16, parameters are float32.

    The graph optimiser fuses the kernel with the ReLU only if nothing lies between them and images are not reshaped.
    """
    images = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
    empty = tf.zeros(0, gamma.dtype)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=gamma, offset=beta, mean=empty, variance=empty, epsilon=epsilon, is_training=True
    )
    outputs = tf.nn.relu(outputs) if relu else outputs
    count = tf.cast(tf.reduce_prod(tf.shape(images)[:-1]), variance.dtype)
    variance *= (count - 1.0) / count  # from the kernel's unbiased estimate
    outputs = outputs if inputs.shape.rank == 4 else tf.reshape(outputs, tf.shape(inputs))
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


@keras.saving.register_keras_serializable("rdl")
class BatchNormalization(keras.layers.Layer):
    """Batch norm per channel with an optional ReLU; inference uses moving averages.

    Args:
      relu: apply ReLU to the result.
      momentum: weight of the old value in each update of a moving average.
      epsilon: added to the variance.
      name: of the layer.
    """

    def __init__(self, relu: bool = False, momentum: float = 0.9, epsilon: float = 1e-5, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.relu, self.momentum, self.epsilon = relu, momentum, epsilon
        self.gamma_initializer = self.moving_variance_initializer = keras.initializers.Ones()
        self.beta_initializer = self.moving_mean_initializer = keras.initializers.Zeros()

    def build(self, input_shape):
        """Makes scale, shift and moving averages, [channels] each."""

        def add(name, trainable):
            initializer = getattr(self, f"{name}_initializer")
            return self.add_weight(
                shape=(input_shape[-1],), initializer=initializer, trainable=trainable, name=name,
                autocast=False, aggregation="none" if trainable else "only_first_replica",
            )  # fmt: skip

        self.gamma, self.beta = add("gamma", True), add("beta", True)
        self.moving_mean, self.moving_variance = add("moving_mean", False), add("moving_variance", False)

    def call(self, inputs, training=False):
        """Normalised inputs, [..., channels]."""
        if training and replicas.count() == 1:
            outputs = self._normalize(normalize_fused, inputs)
        elif training:
            outputs = self._normalize(normalize_over_replicas, tf.cast(inputs, self.gamma.dtype))
        else:
            scale = self.gamma * tf.math.rsqrt(self.moving_variance + self.epsilon)
            outputs = tf.cast(inputs, scale.dtype) * scale + (self.beta - self.moving_mean * scale)
            outputs = tf.nn.relu(outputs) if self.relu else outputs
        return tf.cast(outputs, inputs.dtype)

    def _normalize(self, function, inputs):
        """Normalises by the batch's moments and updates the moving averages."""
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        outputs, mean, variance = function(inputs, gamma, beta, self.epsilon, self.relu)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1.0 - self.momentum) * value)
        return outputs

    def get_config(self):
        """The arguments of `__init__`."""
        config = {"relu": self.relu, "momentum": self.momentum, "epsilon": self.epsilon}
        return super().get_config() | config
