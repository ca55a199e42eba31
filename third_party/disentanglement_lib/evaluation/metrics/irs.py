"""Interventional robustness score (IRS).

Suter et al., Robustly Disentangled Causal Mechanisms, arXiv 1811.00007: the worst deviation of a latent while one
factor is fixed and the others change, relative to its largest deviation over the data. The score is 1 minus this ratio
for each latent's best factor, averaged over latents with their largest deviations as weights.
"""

import gin
import numpy as np

from third_party.disentanglement_lib.evaluation.metrics import utils, validation


@gin.configurable("irs", denylist=["ground_truth_data", "representation_function", "random_state", "artifact_dir"])
def compute_irs(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    diff_quantile=0.99,
    num_train=10000,
    batch_size=16,
    mode="dlib",
):
    """IRS of a representation on `num_train` drawn points, factors binned by gin's `discretizer`."""
    del artifact_dir
    mus, ys = utils.generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    return _score_bins(validation.check_codes(mus.T), utils.make_discretizer(ys), diff_quantile, mode)


def score(codes, factors, diff_quantile=0.99, num_bins=20, mode="dlib"):
    """IRS of codes.

    Args:
        codes: [n, latents].
        factors: [n, factors], discrete or continuous: they are cut into `num_bins` equal-width bins.
        diff_quantile: quantile of the deviations that counts as the worst; 1.0 is the paper's.
        num_bins: bins for each factor.
        mode: "dlib", or "fixed": "num_active_dims" is the number of latents that vary, where the original
            gives the sum of their codes.

    Returns:
        {"IRS": float, "num_active_dims": float or int}. IRS is 0 if no latent varies.

    Raises:
        ValueError: codes or factors that are no tables of finite numbers; a quantile outside [0, 1].
    """
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    return _score_bins(codes, utils._histogram_discretize(factors.T, num_bins), diff_quantile, mode)


def _score_bins(codes, bins, diff_quantile, mode):
    validation.check_mode(mode)
    if not 0.0 <= diff_quantile <= 1.0:
        raise ValueError(f"diff_quantile: expected a number from 0 to 1, received {diff_quantile}")
    if mode == "fixed":
        _, (codes,) = validation.moderate(codes)
        live = ~validation.constant_rows(codes.T)
    else:
        live = codes.var(axis=0) > 0.0
    active = np.ascontiguousarray(codes.T[live])
    num_active = int(live.sum()) if mode == "fixed" else float(_sum_in_blocks(active))
    robust = scalable_disentanglement_score(bins.T, active.T, diff_quantile)["avg_score"] if live.any() else 0.0
    return {"IRS": float(robust), "num_active_dims": num_active}


def scalable_disentanglement_score(gen_factors, latents, diff_quantile=0.99):
    """IRS in its parts.

    Args:
        gen_factors: discrete factors [n, factors].
        latents: codes [n, latents], none constant.
        diff_quantile: quantile of the deviations from their mean within the points that share a factor's
        value.

    Returns:
        {"disentanglement_scores": [latents], "avg_score": float, "parents": each latent's best factor
        [latents], "IRS_matrix": [latents, factors], "max_deviations": [latents]}.
    """
    max_deviations = np.max(np.abs(latents - latents.mean(axis=0)), axis=0)
    deviations = np.stack([_held_deviation(column, latents, diff_quantile) for column in gen_factors.T], axis=1)
    # Rounding may give a constant latent a variance but no deviation: its scores are then nan, as in the original.
    with np.errstate(divide="ignore", invalid="ignore"):
        irs_matrix = 1.0 - deviations / max_deviations[:, np.newaxis]
        disentanglement_scores = irs_matrix.max(axis=1)
        weights = max_deviations if max_deviations.any() else None
        avg_score = np.average(disentanglement_scores, weights=weights)
    return {
        "disentanglement_scores": disentanglement_scores,
        "avg_score": avg_score,
        "parents": irs_matrix.argmax(axis=1),
        "IRS_matrix": irs_matrix,
        "max_deviations": max_deviations,
    }


def _held_deviation(factor, latents, quantile):
    """Mean over the values of a factor [n] of the latents' quantile deviation at that value: [latents]."""
    values = np.unique(factor)
    total = np.zeros(latents.shape[1])
    for value in values:
        held = latents[factor == value]
        total += _quantile(np.abs(held - np.mean(held, axis=0)), quantile)
    return total / len(values)


def _quantile(table, quantile):
    """Linearly interpolated quantile down the rows of `table` [n, columns], in double precision on any numpy."""
    position = (len(table) - 1) * quantile
    below = int(np.floor(position))
    above = min(below + 1, len(table) - 1)
    part = np.partition(table, (below, above), axis=0)
    low, high, share = part[below], part[above], np.array([position - below])
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1.0 - share)


def _sum_in_blocks(table):
    """Sum of all numbers in blocks of 8,192, as numpy before 2.0 adds: single precision shows the blocks."""
    flat = table.ravel()
    return sum((flat[i : i + 8192].sum() for i in range(0, flat.size, 8192)), start=table.dtype.type(0))
