"""Multinomial logistic regression as scikit-learn 1.1 fits it, on any version of scikit-learn.

disentanglement_lib uses `LogisticRegression()` and `LogisticRegressionCV(Cs=10, cv=KFold(5))`: at most 100 steps of
L-BFGS to a gradient of 1e-4 on the summed loss. This often stops before the optimum. Later versions scale the loss and
stop elsewhere, which changes a downstream accuracy by up to 0.09. The loss is

    sum_i -log softmax(W x_i + b)[y_i] + |W|^2 / (2 C),

with one logit and the logistic function for two classes.
"""

import numpy as np
from scipy import optimize, special

GRADIENT_TOLERANCE = 1e-4
MAX_STEPS = 100
NUM_FOLDS = 5
BLOCK = 1000  # points at once: their exponentials fit into the cache


class LogisticRegression:
    """Logistic regression with regularisation strength 1 / `C`."""

    def __init__(self, C=1.0):  # noqa: N803
        self.C = C

    def fit(self, inputs, labels):
        """Fits to `inputs` [n, features] and `labels` [n]; returns self. ValueError with fewer than 2 classes."""
        inputs, targets = self._encode(inputs, labels)
        self._weights = _minimize(inputs, targets, len(self.classes_), self.C)
        return self

    def _encode(self, inputs, labels):
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("logistic regression: expected at least 2 classes, received 1")
        return np.ascontiguousarray(inputs, dtype=np.float64), targets.reshape(-1)

    def predict_proba(self, inputs):
        """Probabilities [n, classes] of `inputs` [n, features]."""
        logits = _logits(self._weights, np.asarray(inputs, dtype=np.float64))
        if len(logits) == 1:
            positive = special.expit(logits[0])
            return np.stack([1.0 - positive, positive], axis=1)
        return special.softmax(logits, axis=0).T

    def predict(self, inputs):
        """Labels [n] of `inputs` [n, features]."""
        return self.classes_[_choose(_logits(self._weights, np.asarray(inputs, dtype=np.float64)))]


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression whose `C`, one of 10 from 1e-4 to 1e4, is the best in 5-fold cross-validation.

    Folds are contiguous. Each fit starts from that of the previous strength; the final fit starts from the mean over
    the folds. scikit-learn refuses data where a class is missing outside a fold; with `allow_missing_classes` such a
    class is fitted from the points of the other classes.
    """

    allow_missing_classes = False

    def fit(self, inputs, labels):
        """Fits to `inputs` [n, features] and `labels` [n]; returns self.

        ValueError with fewer than 5 points, or where a fold's remainder lacks a class.
        """
        inputs, targets = self._encode(inputs, labels)
        num_classes, strengths = len(self.classes_), np.logspace(-4, 4, 10)
        if len(targets) < NUM_FOLDS:
            raise ValueError(f"cross-validation: expected at least {NUM_FOLDS} points, received {len(targets)}")
        accuracies = np.zeros((NUM_FOLDS, len(strengths)))
        paths = []
        for fold, held in enumerate(np.array_split(np.arange(len(targets)), NUM_FOLDS)):
            kept = np.delete(np.arange(len(targets)), held)
            if len(np.unique(targets[kept])) < num_classes and not self.allow_missing_classes:
                raise ValueError(
                    f"cross-validation: expected every class outside each of {NUM_FOLDS} folds, received fold {fold} "
                    f'with all points of a class; train on more than {len(targets)} points or use mode="fixed"'
                )
            paths.append([])
            weights = None
            for i, strength in enumerate(strengths):
                weights = _minimize(inputs[kept], targets[kept], num_classes, strength, weights)
                accuracies[fold, i] = np.mean(_choose(_logits(weights, inputs[held])) == targets[held])
                paths[-1].append(weights)
        best = int(np.argmax(accuracies.sum(axis=0)))
        self.C = strengths[best]
        start = np.mean([path[best] for path in paths], axis=0)
        self._weights = _minimize(inputs, targets, num_classes, self.C, start)
        return self


def _logits(weights, inputs):
    """[logits, n] of `inputs` [n, features] by `weights` [logits, features + 1]."""
    return weights[:, :-1] @ inputs.T + weights[:, -1:]


def _choose(logits):
    return (logits[0] > 0).astype(np.int64) if len(logits) == 1 else np.argmax(logits, axis=0)


def _minimize(inputs, targets, num_classes, strength, start=None):
    """Weights [logits, features + 1] where L-BFGS stops; the offset is last."""
    inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
    num_logits = 1 if num_classes == 2 else num_classes
    loss = _binary_loss(inputs, targets) if num_classes == 2 else _multinomial_loss(inputs, targets, num_classes)
    shape = (num_logits, inputs.shape[1])
    start = np.zeros(shape) if start is None else start

    def regularized(flat):
        weights = flat.reshape(shape, order="F")
        slopes = weights[:, :-1]
        value, gradient = loss(weights)
        gradient[:, :-1] += slopes / strength
        return value + 0.5 / strength * np.sum(slopes**2), gradient.ravel(order="F")

    options = {"gtol": GRADIENT_TOLERANCE, "maxiter": MAX_STEPS}
    found = optimize.minimize(regularized, start.ravel(order="F"), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(shape, order="F")


def _multinomial_loss(inputs, targets, num_classes):
    """Function of weights W [classes, features] to (summed loss, its gradient [classes, features]).

    With the exponentials E [classes, n] of the logits, their sums t [n] over classes and the one-hot targets Y the
    gradient is E (X / t) - Y X: the table of classes is read only to exponentiate and to sum.
    """
    targets_by_inputs = np.zeros((num_classes, inputs.shape[1]))
    np.add.at(targets_by_inputs, targets, inputs)
    largest = np.abs(inputs).max(axis=0)
    blocks = [np.ascontiguousarray(inputs[i : i + BLOCK].T) for i in range(0, len(inputs), BLOCK)]
    tables = {width: np.empty((num_classes, width)) for width in {block.shape[1] for block in blocks}}
    ones = np.ones(num_classes)

    def loss(weights):
        value, gradient = -np.sum(weights * targets_by_inputs), -targets_by_inputs
        may_overflow = np.max(np.abs(weights) @ largest) > 500.0
        for block in blocks:
            logits = np.dot(weights, block, out=tables[block.shape[1]])
            if may_overflow:
                shift = logits.max(axis=0)
                logits -= shift
                value += shift.sum()
            exponentials = np.exp(logits, out=logits)
            totals = ones @ exponentials
            value += np.log(totals).sum()
            gradient += exponentials @ (block / totals).T
        return value, gradient

    return loss


def _binary_loss(inputs, targets):
    """The same for the one logit of two classes: W is [1, features]."""

    def loss(weights):
        logits = weights[0] @ inputs.T
        value = np.sum(np.logaddexp(0.0, logits) - targets * logits)
        return value, ((special.expit(logits) - targets) @ inputs)[None]

    return loss
