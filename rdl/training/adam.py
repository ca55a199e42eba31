"""Adam as one kernel per weight.

keras.optimizers.Adam writes the same update as some ten small operations per weight, which for small networks cost as
much as the rest of the step.
"""

import tensorflow as tf


class Adam:
    """Adam (Kingma and Ba 2015, with epsilon outside the bias correction, as in TensorFlow and dlib).

    Args:
      variables: Keras variables.
      beta_1: decay of the first moments, the means of the gradients.
      beta_2: decay of the second moments, the means of the squared gradients.
      epsilon: added to the root of the second moment.
    """

    def __init__(self, variables, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8):
        self._variables = [v.value for v in variables]
        self.first_moments = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self._variables]
        self.second_moments = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self._variables]
        self._beta_1, self._beta_2, self._epsilon = beta_1, beta_2, epsilon

    def apply(self, gradients, learning_rate: tf.Tensor, update: tf.Tensor) -> None:
        """Updates the variables.

        Args:
          gradients: one per variable.
          learning_rate: float32 scalar.
          update: int scalar, 1 for the first update after a reset.
        """
        count = tf.cast(update, tf.float32)
        for variable, first, second, gradient in zip(
            self._variables, self.first_moments, self.second_moments, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=tf.pow(self._beta_1, count),
                beta2_power=tf.pow(self._beta_2, count),
                lr=learning_rate,
                beta1=self._beta_1,
                beta2=self._beta_2,
                epsilon=self._epsilon,
                grad=gradient,
            )

    def reset(self) -> None:
        """Sets all moments to zero."""
        for moment in self.first_moments + self.second_moments:
            moment.assign(tf.zeros_like(moment))
