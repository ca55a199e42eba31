"""Supervision by few labels: the factors of some images are assigned to latents by a term of the loss.

Locatello et al., Disentangling Factors of Variation Using Few Labels, ICLR 2020 (arXiv 1905.01258), section 4, add
gamma_sup R(mu(x), v) to the loss of any unsupervised objective, where mu(x) are the posterior means of a batch of
labelled images and v their labels, each factor scaled to [0, 1]. The first latents are assigned to the factors, in
order. An unknown label (NaN) adds nothing; each factor's mean is over the images whose label of it is known.
"""

import dataclasses
import inspect
from collections.abc import Callable

import gin
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.objectives.objective import Objective, Supervision

_VARIANCE = 1.0 / 12.0  # of the uniform distribution on [0, 1]


@gin.configurable
def few_labels(
    objective: Callable[[], Objective] | None = None, kind: str = "cross_entropy", gamma_sup: float = 64.0
) -> Objective:
    """loss = the unsupervised objective's + gamma_sup R(mu(x), v); gin's `labels` chooses the labelled images.

    Args:
      objective: the unsupervised objective, in gin such as ``few_labels.objective = @beta_tc_vae``. Its
        hyperparameters, model and pairing are kept.
      kind: R, one of

        - "cross_entropy": `cross_entropy`;
        - "l2": `squared_error`;
        - "covariance": `cross_covariance` off the diagonal only, as in disentanglement_lib's code;
        - "covariance_to_identity": `cross_covariance` on and off the diagonal.
      gamma_sup: weight of R. R is a mean over images, except for the covariances; disentanglement_lib's is a sum, so
        that 64 here corresponds to 1 there at its batch size.

    Raises:
      UserError: no objective, a supervised objective, or an unknown kind.
    """
    if objective is None:
        raise UserError(
            "few_labels needs an unsupervised objective, got none: set few_labels.objective = @beta_tc_vae."
        )
    if kind not in _KINDS:
        raise UserError(f"few_labels.kind must be one of {', '.join(_KINDS)}, got {kind!r}; set it to one of them.")
    is_recursive = inspect.unwrap(objective) is inspect.unwrap(few_labels)
    if is_recursive or (inner := objective()).supervision is not None:
        raise UserError(
            "few_labels.objective must be unsupervised, got a supervised one: set one such as @beta_tc_vae."
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
      This replica's share of the loss.
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

    The covariance is over the whole batch. Dividing by sqrt(1/12) gives a factor uniform on [0, 1] variance 1.
    Without the diagonal, the loss keeps the other latents from predicting factor j but does not make latent j do so.
    The arguments of the returned function are those of `cross_entropy`.
    """

    def share(means: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        known, labels = _known(replicas.gather(labels))
        means = replicas.gather(means)
        count = tf.maximum(tf.reduce_sum(known, axis=0), 1.0)
        centered = known * (labels - tf.reduce_sum(labels, axis=0) / count)
        means = means - tf.reduce_mean(means, axis=0)  # changes the covariance by rounding only
        covariance = tf.matmul(means, centered, transpose_a=True) / count / _VARIANCE**0.5
        target = tf.eye(tf.shape(means)[1], tf.shape(labels)[1], dtype=means.dtype)
        weight = tf.ones_like(target) if to_identity else 1.0 - target
        return replicas.equal_share(tf.reduce_sum(weight * tf.square(covariance - target)))

    return share


_KINDS: dict[str, Supervision] = {
    "cross_entropy": cross_entropy,
    "l2": squared_error,
    "covariance": cross_covariance(to_identity=False),
    "covariance_to_identity": cross_covariance(to_identity=True),
}


def _known(labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A mask of the known labels, 1 or 0, and the labels with 0 for unknown ones."""
    known = tf.math.is_finite(labels)
    return tf.cast(known, labels.dtype), tf.where(known, labels, tf.zeros_like(labels))


def _share_of_means(values: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """This replica's share of the sum over factors of the means over the batch's images with known labels."""
    count = tf.maximum(replicas.total(tf.reduce_sum(known, axis=0)), 1.0)
    return tf.reduce_sum(tf.reduce_sum(known * values, axis=0) / count)
