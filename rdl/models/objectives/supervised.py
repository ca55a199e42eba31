"""Few labels in the loss: the factors of some images say which latent is to be whose.

Locatello et al., Disentangling Factors of Variation Using Few Labels, ICLR 2020 (arXiv 1905.01258), section 4: to the
loss of any unsupervised objective is added gamma_sup R(mu(x), v), where mu(x) are the posterior means of a batch of
labelled images and v their labels, each factor scaled to [0, 1]. Of the latents the first ones are the factors', in
their order. A label that is not known (NaN) adds nothing; each factor's mean is over the images that have it.
"""

import dataclasses
import inspect
from collections.abc import Callable

import gin
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.objectives.objective import Objective, Supervision

_VARIANCE = 1.0 / 12.0  # of what is uniform on [0, 1]


@gin.configurable
def few_labels(
    objective: Callable[[], Objective] | None = None, kind: str = "cross_entropy", gamma_sup: float = 64.0
) -> Objective:
    """loss = the unsupervised objective's + gamma_sup R(mu(x), v); gin's `labels` says which images have labels.

    Args:
      objective: the unsupervised one, in gin such as ``few_labels.objective = @beta_tc_vae``. It keeps its
        hyperparameters, its model and its pairs.
      kind: R, one of

        - "cross_entropy": `cross_entropy`;
        - "l2": `squared_error`;
        - "covariance": `cross_covariance`, off the diagonal, as disentanglement_lib's code has it;
        - "covariance_to_identity": the same, and on the diagonal.
      gamma_sup: weight of R, which is a mean over images where disentanglement_lib's is their sum, except of the
        covariances: 64 here is 1 there at its batch size.

    Raises:
      UserError: no objective to add to, one that has labels already, or an unknown kind.
    """
    if objective is None:
        raise UserError(
            "few_labels adds to an unsupervised objective, got none: set few_labels.objective = @beta_tc_vae."
        )
    if kind not in _KINDS:
        raise UserError(f"few_labels.kind must be one of {', '.join(_KINDS)}, got {kind!r}; set it to one of them.")
    itself = inspect.unwrap(objective) is inspect.unwrap(few_labels)  # which, called, would not end
    if itself or (inner := objective()).supervision is not None:
        raise UserError(
            "few_labels.objective has labels in its loss already: set one that has none, such as @beta_tc_vae."
        )
    return dataclasses.replace(
        inner,
        name=f"few_labels_{inner.name}",
        hyperparameters={**inner.hyperparameters, "gamma_sup": gamma_sup},
        supervision=_KINDS[kind],
    )


def cross_entropy(means: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """sum_j -v_j log s(mu_j) - (1 - v_j) log(1 - s(mu_j)), s the logistic function, mean over the images, in nats.

    Args:
      means: [rows, latents], this replica's.
      labels: in [0, 1] or NaN, [rows, factors], factors <= latents.

    Returns:
      This replica's share.
    """
    known, labels = _known(labels)
    logits = means[:, : tf.shape(labels)[1]]
    return _share_of_means(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), known)


def squared_error(means: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """sum_j (s(mu_j) - v_j)^2, s the logistic function, mean over the images; arguments as in `cross_entropy`."""
    known, labels = _known(labels)
    return _share_of_means(tf.square(tf.sigmoid(means[:, : tf.shape(labels)[1]]) - labels), known)


def cross_covariance(to_identity: bool) -> Supervision:
    """sum_{k != j} C_kj^2, and with `to_identity` + sum_j (C_jj - 1)^2, where C_kj = Cov(mu_k, v_j / sqrt(1/12)).

    The covariance is over the whole batch; the factor's scale is such that one uniform on [0, 1] has variance 1.
    Off the diagonal alone nothing asks that latent j is factor j, only that the others are not.
    Arguments of what it returns as in `cross_entropy`.
    """

    def share(means: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        known, labels = _known(replicas.gather(labels))
        means = replicas.gather(means)
        count = tf.maximum(tf.reduce_sum(known, axis=0), 1.0)
        centered = known * (labels - tf.reduce_sum(labels, axis=0) / count)
        means = means - tf.reduce_mean(means, axis=0)  # no effect but on rounding
        covariance = tf.matmul(means, centered, transpose_a=True) / count / _VARIANCE**0.5
        wanted = tf.eye(tf.shape(means)[1], tf.shape(labels)[1], dtype=means.dtype)
        weight = tf.ones_like(wanted) if to_identity else 1.0 - wanted
        return replicas.equal_share(tf.reduce_sum(weight * tf.square(covariance - wanted)))

    return share


_KINDS: dict[str, Supervision] = {
    "cross_entropy": cross_entropy,
    "l2": squared_error,
    "covariance": cross_covariance(to_identity=False),
    "covariance_to_identity": cross_covariance(to_identity=True),
}


def _known(labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which labels are known, 1 or 0, and the labels with 0 for those that are not."""
    known = tf.math.is_finite(labels)
    return tf.cast(known, labels.dtype), tf.where(known, labels, tf.zeros_like(labels))


def _share_of_means(values: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """This replica's share of the sum over factors of the means over the images of the batch that have them."""
    count = tf.maximum(replicas.total(tf.reduce_sum(known, axis=0)), 1.0)
    return tf.reduce_sum(tf.reduce_sum(known * values, axis=0) / count)
