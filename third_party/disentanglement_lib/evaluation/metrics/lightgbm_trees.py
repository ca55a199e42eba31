"""Gradient boosted trees of LightGBM with the settings of scikit-learn's: a faster backend of DCI and the downstream
tasks, an optional dependency.

LightGBM bins the inputs and takes Newton steps, so its trees and its scores differ slightly; docs/metrics.md gives the
differences.
"""

import numpy as np


class _Trees:
    """100 rounds of trees of depth 3, learning rate 0.1.

    `random_state` is a seed; None stands for 0.
    """

    def __init__(self, random_state=None):
        try:
            import lightgbm
        except ImportError as error:
            raise ValueError('backend "lightgbm": expected the package lightgbm, not installed') from error
        self._lightgbm = lightgbm
        self.random_state = random_state

    def _grow(self, codes, targets, **objective):
        parameters = {
            "learning_rate": 0.1,
            "max_depth": 3,
            "num_leaves": 8,
            "min_data_in_leaf": 1,
            "min_sum_hessian_in_leaf": 1e-3,
            "min_data_in_bin": 1,
            "max_bin": 255,
            "seed": self.random_state or 0,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
            **objective,
        }
        data = self._lightgbm.Dataset(codes, targets, params=parameters)
        self._trees = self._lightgbm.train(parameters, data, num_boost_round=100)

    def _raw(self, codes):
        return np.asarray(self._trees.predict(codes, raw_score=True, num_threads=1))

    @property
    def feature_importances_(self):
        """Share of each code in the total gain, [codes]; zeros if no tree has a split."""
        gains = self._trees.feature_importance("gain")
        return gains / max(gains.sum(), np.finfo(float).tiny)


class Classifier(_Trees):
    """Predicts the values of a discrete factor."""

    def fit(self, codes, labels):
        """Fits trees to `codes` [n, codes] and `labels` [n]; returns self."""
        self._classes, targets = np.unique(labels, return_inverse=True)
        if len(self._classes) > 2:
            self._grow(codes, targets, objective="multiclass", num_class=len(self._classes))
        else:
            self._grow(codes, targets, objective="binary")
        return self

    def predict(self, codes):
        """Labels [n] of `codes` [n, codes]."""
        scores = self._raw(codes)
        chosen = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self._classes[chosen]


class Regressor(_Trees):
    """Predicts the values of a continuous factor, by squared error."""

    def fit(self, codes, values):
        """Fits trees to `codes` [n, codes] and `values` [n]; returns self."""
        self._grow(codes, np.asarray(values, dtype=np.float64), objective="regression")
        return self

    def predict(self, codes):
        """Values [n] of `codes` [n, codes]."""
        return self._raw(codes)
