"""Learned labels in the loss: latent j imitates label j, and no other latent depends on latent j.

The labels are posterior means of other models (`rdl.verdict.label_pool`), as normal scores, and come with the images of
the batch itself. An image without a label (NaN) adds nothing.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated

import gin
import tensorflow as tf

from rdl.config.ranges import Between
from rdl.errors import UserError
from rdl.models import replicas
from rdl.models.objectives.objective import ForwardPass, Objective, Terms, Values

CLASSES = 10
"""Equally likely classes into which a label is cut to measure its leakage."""


@gin.configurable
def pooled_labels(
    objective: Callable[[], Objective] | None = None,
    gamma_label: float = 32.0,
    gamma_label_end: float = 4.0,
    label_updates: Annotated[float, Between(1)] = 1500,
    gamma_leakage: float = 32.0,
) -> Objective:
    """loss = the unsupervised objective's + gamma_t imitation + gamma_leakage leakage.

    gamma_t falls linearly from gamma_label to gamma_label_end over the first label_updates updates: the labels say
    which latent a factor belongs to, and the images then say more about the factor than its label does. Without
    labels, as in the x-run, both terms are 0.

    Args:
      objective: the unsupervised objective, in gin ``pooled_labels.objective = @beta_tc_vae``.
      gamma_label: weight of `imitation` at first.
      gamma_label_end: its weight from update number label_updates on.
      label_updates: number of updates over which the weight falls.
      gamma_leakage: weight of `leakage`.

    Raises:
      UserError: there is no objective to add to, or it has labels already.
    """
    if objective is None:
        raise UserError(
            "pooled_labels adds to an unsupervised objective, got none: set pooled_labels.objective = @beta_tc_vae."
        )
    inner = objective()
    if inner.supervision is not None or inner.batch_supervision is not None:
        raise UserError(f"pooled_labels.objective must have no labels in its loss, got {inner.name}.")

    def terms(forward: ForwardPass, labels: tf.Tensor, values: Values) -> Terms:
        means, labels = replicas.gather(forward.posterior.loc), replicas.gather(labels)
        variances = replicas.gather(tf.exp(forward.posterior.log_variance))
        known = tf.cast(tf.math.is_finite(labels), means.dtype)
        labels = tf.where(known > 0, labels, tf.zeros_like(labels))
        left = tf.maximum(1.0 - tf.cast(forward.updates, means.dtype) / values["label_updates"], 0.0)
        gamma = values["gamma_label_end"] + left * (values["gamma_label"] - values["gamma_label_end"])
        return {
            "weighted_imitation": replicas.equal_share(gamma * imitation(means, labels, known)),
            "weighted_leakage": replicas.equal_share(
                values["gamma_leakage"] * leakage(means, variances, tf.shape(labels)[1])
            ),
        }

    hyperparameters = {
        **inner.hyperparameters, "gamma_label": gamma_label, "gamma_label_end": gamma_label_end,
        "label_updates": label_updates, "gamma_leakage": gamma_leakage,
    }  # fmt: skip
    return dataclasses.replace(
        inner, name=f"pooled_labels_{inner.name}", hyperparameters=hyperparameters, batch_supervision=terms
    )


def imitation(means: tf.Tensor, labels: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """sum_j 1/2 (mu_j - v_j)^2, each j averaged over the images that carry label j.

    The negative log density of the label under N(mu_j, 1), up to a constant. Normal scores have the prior's
    distribution, so that imitation and KL do not pull a latent to different scales.

    Args:
      means: posterior means, [batch, latents].
      labels: normal scores, [batch, labels], labels <= latents; 0 where unknown.
      known: 1 where an image carries the label, else 0, [batch, labels].
    """
    errors = 0.5 * tf.square(means[:, : tf.shape(labels)[1]] - labels)
    return tf.reduce_sum(tf.reduce_sum(known * errors, axis=0) / _count(known))


def leakage(means: tf.Tensor, variances: tf.Tensor, num_labels: tf.Tensor | int) -> tf.Tensor:
    """sum_{j < num_labels} sum_{k != j} [Var_c(m_kc) / V_k + Var_c(s_kc) / (2 V_k^2)], the leakage of latent j.

    m_kc = E[mu_k | c_j] and s_kc = E[(mu_k - E mu_k)^2 | c_j] are the first two moments of latent k in the classes of
    latent j, and V_k = Var(mu_k) + E[sigma_k^2] is the variance of its aggregate posterior. The first term is the
    correlation ratio of Pearson; the second sees a latent whose spread depends on latent j but whose mean does not.
    Both are free of scale: a variance between classes that is not divided by V_k falls as soon as the encoder shrinks
    latent k, even if its dependence remains.

    The classes c_j are `CLASSES` quantile ranges of latent j in the batch, so that the term sees dependence of any
    shape, a circle included, where a covariance sees straight lines only. They are those of the latent, not of its
    label: a label carries some of the other factors too, and their latents must not be kept from these. No gradient
    reaches latent j through its classes.

    A batch of independent values has a variance between classes too, (classes - 1) / (n - classes) of that within them
    on average; it is subtracted, as in the adjusted R^2 of a one-way analysis of variance.

    Args:
      means: posterior means, [batch, latents].
      variances: posterior variances, [batch, latents].
      num_labels: number of labels, which the first latents imitate.
    """
    count = tf.shape(means)[0]
    latents = tf.transpose(means[:, :num_labels])  # sorted along the last axis: oneDNN transposes no integers
    ranks = tf.argsort(tf.argsort(latents, stable=True))
    used = tf.minimum(CLASSES, count)
    members = tf.one_hot(ranks * used // tf.maximum(count, 1), CLASSES, dtype=means.dtype)  # [labels, batch, classes]
    centred = means - tf.reduce_mean(means, axis=0)
    aggregate = tf.reduce_mean(tf.square(centred) + variances, axis=0)
    explained = _between_classes(centred, members) / aggregate
    explained += _between_classes(tf.square(centred), members) / (2.0 * tf.square(aggregate))
    others = 1.0 - tf.eye(num_labels, tf.shape(means)[1], dtype=means.dtype)
    return tf.reduce_sum(others * explained)


def _between_classes(values: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    """Variance of each value between classes, less what chance leaves there.

    Args:
      values: [batch, latents].
      members: 1 where an image belongs to the class, [labels, batch, classes].

    Returns:
      [labels, latents].
    """
    sizes = tf.reduce_sum(members, axis=1)  # [labels, classes]
    n, groups = tf.reduce_sum(sizes, axis=1)[:, None], tf.math.count_nonzero(sizes, axis=1, dtype=values.dtype)[:, None]
    centred = values - tf.reduce_mean(values, axis=0)
    sums = tf.einsum("jbc,bk->jck", members, centred)
    between = tf.reduce_sum(tf.square(sums) / tf.maximum(sizes, 1.0)[:, :, None], axis=1) / n
    total = tf.reduce_mean(tf.square(centred), axis=0)
    return between - (groups - 1.0) / tf.maximum(n - groups, 1.0) * (total - between)


def _count(known: tf.Tensor) -> tf.Tensor:
    """Number of images that carry each label, at least 1, [labels]."""
    return tf.maximum(tf.reduce_sum(known, axis=0), 1.0)
