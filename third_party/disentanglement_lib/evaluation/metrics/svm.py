"""Exact linear support vector classifiers of one latent, for all latents and classes of a factor at once.

The problem is scikit-learn's `LinearSVC(C=0.01, class_weight="balanced")`: one against the rest, min over w,
b of (w^2 + b^2) / 2 + sum_i C_i max(0, 1 - s_i (w x_i + b))^2 with s_i = 1 inside the class and -1 outside.
liblinear applies a balanced weight to the points of the class only, but to both sides for two classes. In one dimension
the points within the margin are a contiguous part of the sorted codes on either side, so prefix sums give their counts
and sums, and a Newton step costs one binary search. liblinear itself stops near the optimum, which changes a SAP score
by up to 4e-5.
"""

import numpy as np

MAX_STEPS = 100


def predict(codes, labels, test_codes, strength=0.01):
    """Predicted labels [latents, test points] of one classifier for each latent.

    Args:
        codes: [latents, n].
        labels: [n], at least two values.
        test_codes: [latents, test points].
        strength: C.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    targets = targets.reshape(-1)
    weights = strength * len(targets) / (len(classes) * np.bincount(targets))
    if len(classes) == 2:
        slope, offset = _fit(codes, targets, weights[1:], np.array([weights[0]]), np.array([1]))
        chosen = (slope * test_codes + offset > 0).astype(np.int64)
        return classes[chosen]
    rest = np.full(len(classes), strength)
    slopes, offsets = _fit(codes, targets, weights, rest, np.arange(len(classes)))
    chosen = [
        np.argmax(points[:, None] * slope + offset, axis=1)
        for points, slope, offset in zip(test_codes, slopes, offsets, strict=True)
    ]
    return classes[np.array(chosen)]


def _fit(codes, targets, weights_inside, weights_outside, classes):
    """Slopes and offsets [latents, classes] of each class against the rest, by Newton steps on the active
    points.

    The objective is strictly convex and quadratic as long as the same points are within the margin: where a
    step ends with the same points as it was taken with, it has found the minimum.
    """
    margins = _Margins(codes.astype(np.float64), targets, classes)
    theta = np.zeros((2, len(codes), len(classes)))
    weights = (weights_inside, weights_outside)
    places = margins.places(theta)
    for _ in range(MAX_STEPS):
        sums = margins.sums(places)
        step = _minimum(sums, weights) - theta
        before = _objective(theta, sums, weights)
        length = np.ones(theta.shape[1:])
        for _ in range(30):
            trial = theta + length * step
            trial_places = margins.places(trial)
            after = _objective(trial, margins.sums(trial_places), weights)
            worse = after > before + 1e-12 * np.abs(before)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        settled = all(np.array_equal(old, new) for old, new in zip(places, trial_places, strict=True))
        theta, places = trial, trial_places
        if settled and (length == 1.0).all():
            break
    return theta


class _Margins:
    """Sorted codes and prefix sums of 1, x and x^2 over all points and over each class."""

    def __init__(self, codes, targets, classes):
        self._num_points = codes.shape[1]
        order = np.argsort(codes, axis=1, kind="stable")
        self._sorted = np.take_along_axis(codes, order, axis=1)
        self._all = _prefix_sums(self._sorted)
        sorted_targets = targets[order]
        by_class = np.argsort(sorted_targets, axis=1, kind="stable")
        self._inside = _prefix_sums(np.take_along_axis(self._sorted, by_class, axis=1))
        # within a class the points keep their order: key = class, then place among all points
        self._keys = np.take_along_axis(sorted_targets, by_class, axis=1) * (self._num_points + 1) + by_class
        self._classes = classes
        counts = np.bincount(targets)
        self._ends = np.cumsum(counts)[classes]
        self._starts = self._ends - counts[classes]
        self._latents = np.arange(len(codes))[:, None]

    def places(self, theta):
        """Where the margins at +1 and -1 fall among the sorted codes, and on which side the active points are."""
        slope, offset = theta
        rising = slope >= 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            upper = np.where(slope == 0.0, np.where(offset < 1.0, np.inf, -np.inf), (1.0 - offset) / slope)
            lower = np.where(slope == 0.0, np.where(offset > -1.0, -np.inf, np.inf), (-1.0 - offset) / slope)
        return self._search(upper), self._search(lower), rising

    def _search(self, thresholds):
        return np.stack([np.searchsorted(row, t) for row, t in zip(self._sorted, thresholds, strict=True)])

    def sums(self, places):
        """Sums [3, latents, classes] of 1, x, x^2 over the active points inside each class, and outside it."""
        upper, lower, rising = places
        below_upper = self._class_prefix(upper)
        below_lower = self._class_prefix(lower)
        class_total = self._inside[:, self._latents, self._ends] - self._inside[:, self._latents, self._starts]
        inside = np.where(rising, below_upper, class_total - below_upper)
        all_below = self._all[:, self._latents, lower] - below_lower
        rest_total = self._all[:, :, -1:] - class_total
        return inside, np.where(rising, rest_total - all_below, all_below)

    def _class_prefix(self, places):
        keys = self._classes * (self._num_points + 1) + places
        ends = np.stack([np.searchsorted(row, key) for row, key in zip(self._keys, keys, strict=True)])
        return self._inside[:, self._latents, ends] - self._inside[:, self._latents, self._starts]


def _prefix_sums(values):
    """[3, latents, n + 1] of 1, x, x^2 along each row."""
    powers = np.stack([np.ones_like(values), values, values**2])
    return np.concatenate([np.zeros((3, len(values), 1)), np.cumsum(powers, axis=2)], axis=2)


def _minimum(sums, weights):
    """Minimum of the quadratic that holds while the same points are active."""
    (n_in, x_in, xx_in), (n_out, x_out, xx_out) = sums
    w_in, w_out = weights
    n = 1.0 + 2.0 * (w_in * n_in + w_out * n_out)
    x = 2.0 * (w_in * x_in + w_out * x_out)
    xx = 1.0 + 2.0 * (w_in * xx_in + w_out * xx_out)
    right_x = 2.0 * (w_in * x_in - w_out * x_out)
    right_1 = 2.0 * (w_in * n_in - w_out * n_out)
    determinant = xx * n - x * x
    return np.stack([(right_x * n - right_1 * x) / determinant, (right_1 * xx - right_x * x) / determinant])


def _objective(theta, sums, weights):
    slope, offset = theta
    total = 0.5 * (slope**2 + offset**2)
    for (n, x, xx), weight, sign in zip(sums, weights, (1.0, -1.0), strict=True):
        linear = slope * x + offset * n
        square = slope**2 * xx + 2.0 * slope * offset * x + offset**2 * n
        total = total + weight * (n - 2.0 * sign * linear + square)
    return total
