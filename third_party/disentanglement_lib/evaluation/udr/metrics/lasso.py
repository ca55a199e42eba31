"""Lasso regressions of many targets on the same few features at once, from a Gram matrix.

The steps and the stopping rule are those of cyclic coordinate descent in scikit-learn (`Lasso(alpha)`, tol
1e-4, at most 1,000 sweeps; a target stops when its largest change is small and its duality gap is below tol |y|^2). On
collinear features this rule stops long before convergence, so a converged solution would give other scores.
"""

import numpy as np

TOLERANCE = 1e-4
MAX_SWEEPS = 1000


def coefficients(gram, cross, target_norms, penalty):
    """Coefficients of min_w |y - X w|^2 / 2 + penalty |w|_1 for every target y.

    Args:
        gram: X' X, [features, features].
        cross: X' Y, [features, targets].
        target_norms: |y|^2, [targets].
        penalty: alpha times the number of points.

    Returns:
        [features, targets].
    """
    result = np.zeros_like(cross)
    active = np.arange(cross.shape[1])
    weights = np.zeros_like(cross)
    residual_cross = cross.copy()  # X' (y - X w)
    norms = np.diag(gram)
    features = np.flatnonzero(norms)
    for sweep in range(MAX_SWEEPS):
        largest_change = np.zeros(len(active))
        for f in features:
            old = weights[f]
            free = residual_cross[f] + norms[f] * old
            new = np.sign(free) * np.maximum(np.abs(free) - penalty, 0.0) / norms[f]
            change = new - old
            weights[f] = new
            residual_cross -= gram[:, f, None] * change
            np.maximum(largest_change, np.abs(change), out=largest_change)
        largest = np.abs(weights).max(axis=0)
        settled = (largest == 0.0) | (largest_change < TOLERANCE * largest)
        at_rest = largest_change == 0.0  # later sweeps change nothing, whatever the gap: a target of zeros
        if sweep == MAX_SWEEPS - 1:
            settled[:] = True
        elif settled.any():
            candidates = active[settled]
            gaps = _duality_gaps(
                weights[:, settled], residual_cross[:, settled], cross[:, candidates], target_norms[candidates], penalty
            )
            settled[settled] = gaps < TOLERANCE * target_norms[candidates]
            settled |= at_rest
        if settled.any():
            result[:, active[settled]] = weights[:, settled]
            active, weights, residual_cross = (part[..., ~settled] for part in (active, weights, residual_cross))
            if not active.size:
                break
    return result


def _duality_gaps(weights, residual_cross, cross, target_norms, penalty):
    explained = np.sum(weights * cross, axis=0)  # (X w)' y
    residual_dot_target = target_norms - explained
    residual_norms = residual_dot_target - np.sum(weights * residual_cross, axis=0)
    dual_norms = np.abs(residual_cross).max(axis=0)
    scale = penalty / np.maximum(dual_norms, penalty)
    l1_norms = np.abs(weights).sum(axis=0)
    return 0.5 * residual_norms * (1.0 + scale**2) + penalty * l1_norms - scale * residual_dot_target
