"""Gradient boosted trees of LightGBM with the settings of scikit-learn's: a faster backend of
DCI and the downstream tasks, an extra.

Its bins and its Newton steps make other trees, so its scores differ slightly; the difference is in
docs/metrics.md.
"""

import numpy as np


class Classifier:
    """100 rounds of trees of depth 3, step 0.1, with the fit, predict and importances that DCI uses.

    `random_state` is a seed, 0 where it is None when the trees are grown.
    """

    def __init__(self, random_state=None):
        try:
            import lightgbm
        except ImportError as error:
            raise ValueError('backend "lightgbm": expected the package lightgbm, not installed') from error
        self._lightgbm = lightgbm
        self.random_state = random_state

    def fit(self, codes, labels):
        """Fits trees to `codes` [n, codes] and `labels` [n]; returns self."""
        self._classes, targets = np.unique(labels, return_inverse=True)
        parameters = {
            "objective": "multiclass" if len(self._classes) > 2 else "binary",
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
        }
        if len(self._classes) > 2:
            parameters["num_class"] = len(self._classes)
        data = self._lightgbm.Dataset(codes, targets, params=parameters)
        self._trees = self._lightgbm.train(parameters, data, num_boost_round=100)
        return self

    def predict(self, codes):
        """Labels [n] of `codes` [n, codes]."""
        scores = np.asarray(self._trees.predict(codes, raw_score=True, num_threads=1))
        chosen = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self._classes[chosen]

    @property
    def feature_importances_(self):
        """Share of each code in the total gain, [codes]; zeros where nothing was split."""
        gains = self._trees.feature_importance("gain")
        return gains / max(gains.sum(), np.finfo(float).tiny)
