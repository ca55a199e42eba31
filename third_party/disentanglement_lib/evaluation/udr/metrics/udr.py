"""Unsupervised disentanglement ranking (UDR).

Duan et al., Unsupervised Model Selection for Variational Disentangled Representation Learning, arXiv
1905.12614: a model is disentangled if models of the same kind with other seeds have the same latents up to order and
sign. R[a, b] is the similarity of latent a of one model and latent b of another. The score of a pair is the mean over
latents of max^2 / sum along R, and the score of a model is the median over the other models.
"""

import gin
import numpy as np
from scipy import stats

from third_party.disentanglement_lib.evaluation.metrics import validation
from third_party.disentanglement_lib.evaluation.udr.metrics import lasso

ALPHA = 0.1
DLIB_KL_THRESHOLD = 0.01  # the original zeroes latents below it, whatever its filter's threshold is


@gin.configurable("udr_sklearn", denylist=["ground_truth_data", "representation_functions", "random_state"])
def compute_udr_sklearn(
    ground_truth_data,
    representation_functions,
    random_state,
    batch_size=10,
    num_data_points=1000,
    correlation_matrix="lasso",
    filter_low_kl=True,
    include_raw_correlations=True,
    kl_filter_threshold=0.01,
    mode="dlib",
):
    """UDR of models given as functions of observations [n, ...] to (codes [n, latents], mean KL [latents]).

    All models see the same `num_data_points` points, drawn in batches; their KL is averaged over batches.

    Returns:
        The result of `score` as lists; "raw_correlations" only with `include_raw_correlations`.

    Raises:
        ValueError: `num_data_points` is not a multiple of `batch_size`; otherwise as `score`.
    """
    if num_data_points % batch_size:
        raise ValueError(f"num_data_points: expected a multiple of batch_size {batch_size}, received {num_data_points}")
    batches = []
    for _ in range(num_data_points // batch_size):
        observations = ground_truth_data.sample_observations(batch_size, random_state)
        batches.append([function(observations) for function in representation_functions])
    representations = [np.concatenate([batch[i][0] for batch in batches]) for i in range(len(batches[0]))]
    kl = [np.mean([batch[i][1] for batch in batches], axis=0) for i in range(len(batches[0]))]
    scores = score(representations, kl, correlation_matrix, kl_filter_threshold, filter_low_kl, mode)
    if not include_raw_correlations:
        del scores["raw_correlations"]
    return {key: value.tolist() for key, value in scores.items()}


def score(representations, kl, correlation="lasso", kl_threshold=0.01, filter_low_kl=True, mode="dlib"):
    """UDR of models of one kind.

    Args:
        representations: codes of the same points by every model, [models, n, latents].
        kl: mean KL divergence of every latent to the prior in nats, [models, latents].
        correlation: "lasso" (alpha 0.1) or "spearman".
        kl_threshold: latents whose KL is at most this are left out.
        filter_low_kl: whether to leave them out.
        mode: "dlib", or "fixed": `kl_threshold` alone decides which latents count (the original also zeroes those
            below 0.01), a pair with a model without active latents scores 0, and a pair's score is the mean over the
            latents of both models, as in the paper, not the mean of the two models' means.

    Returns:
        {"raw_correlations": [models, models, latents, latents], "pairwise_disentanglement_scores":
        [models, models, 1], "model_scores": [models]}: float64; row i, column j is for model i as source.

    Raises:
        ValueError: arrays of other shapes, nan or inf; in mode "dlib" a model without a latent above the
            threshold, or the Lasso of models with one latent; in mode "fixed" a single model.
    """
    validation.check_mode(mode)
    if correlation not in ("lasso", "spearman"):
        raise ValueError(f'correlation: expected "lasso" or "spearman", received {correlation!r}')
    codes, kl = _check_models(representations, kl)
    num_models = len(codes)
    if mode == "fixed" and num_models < 2:
        raise ValueError("UDR: expected at least 2 models to compare, received 1")
    if mode == "dlib" and correlation == "lasso" and num_models > 1 and codes.shape[2] < 2:
        raise ValueError('UDR: expected at least 2 latents for a Lasso, received 1; use mode="fixed"')
    live = kl > kl_threshold
    if mode == "dlib" and filter_low_kl and num_models > 1 and not live.any(axis=1).all():
        model = int(np.argmin(live.any(axis=1)))
        raise ValueError(
            f"UDR: expected a latent with KL above {kl_threshold} in every model, received none in model "
            f'{model}; leave the model out or use mode="fixed"'
        )
    kept = kl > DLIB_KL_THRESHOLD if mode == "dlib" else live | (not filter_low_kl)
    if mode == "fixed":
        codes = np.stack([validation.moderate(model, by_latent=True)[1][0] for model in codes])
    codes = _standardized(codes) * kept[:, None, :]
    raw = _lasso_matrices(codes) if correlation == "lasso" else _spearman_matrices(codes)
    raw[np.arange(num_models), np.arange(num_models)] = 0.0
    if mode == "fixed":
        raw = np.nan_to_num(raw, nan=0.0)  # a constant latent has no correlation
    mask = live if filter_low_kl else np.ones_like(live)
    pairwise = _pair_scores(raw, mask[:, None, :], mask[None, :, :], by_latent=mode == "fixed")
    pairwise[np.arange(num_models), np.arange(num_models)] = 0.0
    others = ~np.eye(num_models, dtype=bool)
    model_scores = [np.median(pairwise[others[:, j], j]) if num_models > 1 else np.nan for j in range(num_models)]
    return {
        "raw_correlations": raw,
        "pairwise_disentanglement_scores": pairwise[..., None],
        "model_scores": np.array(model_scores),
    }


def relative_strength_disentanglement(corr_matrix):
    """Score of one pair of models from their correlations [latents, latents]; 1 for a permutation."""
    corr_matrix = np.asarray(corr_matrix, dtype=np.float64)
    rows, columns = (np.ones(size, dtype=bool) for size in corr_matrix.shape)
    return float(_pair_scores(corr_matrix, rows, columns, by_latent=False))


def lasso_correlation_matrix(vec1, vec2, random_state=None):
    """|Coefficients| [latents of 1, latents of 2] of the Lasso of `vec2` on `vec1`, both [n, latents]."""
    del random_state  # the descent is cyclic and draws nothing
    source, target = (np.asarray(vec) - np.mean(vec, axis=0) for vec in _same_shape(vec1, vec2))
    norms = np.einsum("nl,nl->l", target, target)
    return np.abs(lasso.coefficients(source.T @ source, source.T @ target, norms, ALPHA * len(source)))


def spearman_correlation_conv(vec1, vec2):
    """|Spearman's rank correlation| [latents of 1, latents of 2] of two models' codes, both [n, latents]."""
    ranks1, ranks2 = (_centred_ranks(np.asarray(vec)) for vec in _same_shape(vec1, vec2))
    return np.abs(ranks1.T @ ranks2)


def _same_shape(vec1, vec2):
    if np.shape(vec1) != np.shape(vec2):
        raise ValueError(f"UDR: expected two models of one shape, received {np.shape(vec1)} and {np.shape(vec2)}")
    return vec1, vec2


def _check_models(representations, kl):
    shapes = sorted({np.shape(codes) for codes in representations})
    if len(shapes) != 1 or len(shapes[0]) != 2:
        raise ValueError(f"representations: expected equal shapes [n, latents] of all models, received {shapes}")
    codes = np.stack([validation.check_codes(c, f"representations[{i}]") for i, c in enumerate(representations)])
    kl = np.asarray(kl, dtype=np.float64)
    if kl.shape != (codes.shape[0], codes.shape[2]) or np.isnan(kl).any():
        raise ValueError(f"kl: expected numbers {(codes.shape[0], codes.shape[2])}, received shape {kl.shape} or nan")
    return codes.astype(np.float64), kl


def _standardized(codes):
    """Standardised latents; a latent that is constant up to rounding is only centred."""
    num_points = codes.shape[1]
    means = codes.mean(axis=1, keepdims=True)
    variances = codes.var(axis=1, keepdims=True)
    eps = np.finfo(codes.dtype).eps
    rounding = num_points * eps * variances + (num_points * means * eps) ** 2
    return (codes - means) / np.where(variances <= rounding, 1.0, np.sqrt(variances))


def _side_by_side(codes):
    """[models, n, latents] -> [n, models * latents]."""
    return codes.transpose(1, 0, 2).reshape(codes.shape[1], -1)


def _lasso_matrices(codes):
    num_models, num_points, num_latents = codes.shape
    columns = _side_by_side(codes)
    columns = columns - columns.mean(axis=0)
    products = columns.T @ columns
    norms = np.diag(products).copy()
    raw = np.empty((num_models, num_models, num_latents, num_latents))
    for i in range(num_models):
        source = slice(i * num_latents, (i + 1) * num_latents)
        weights = lasso.coefficients(products[source, source], products[source], norms, ALPHA * num_points)
        raw[i] = np.abs(weights).reshape(num_latents, num_models, num_latents).transpose(1, 0, 2)
    return raw


def _spearman_matrices(codes):
    num_models, _, num_latents = codes.shape
    ranks = _centred_ranks(_side_by_side(codes))
    products = np.abs(ranks.T @ ranks).reshape(num_models, num_latents, num_models, num_latents)
    return products.transpose(0, 2, 1, 3).copy()


def _centred_ranks(columns):
    """Centred ranks of every column divided by their norm, [n, columns]; nan for a constant column."""
    ranks = stats.rankdata(columns, axis=0)
    ranks -= ranks.mean(axis=0)
    norms = np.sqrt(np.einsum("nl,nl->l", ranks, ranks))
    with np.errstate(divide="ignore", invalid="ignore"):
        return ranks / norms


def _pair_scores(matrices, rows, columns, by_latent):
    """Mean of max^2 / sum along columns and rows of `matrices` [..., latents, latents] where the masks hold.

    A line whose sum is 0 or nan counts as 0. `by_latent` averages over rows and columns together, and scores 0 without
    any; otherwise the mean of the rows' mean and the columns' mean is returned.
    """
    inside = rows[..., :, None] & columns[..., None, :]
    matrices = np.where(inside, matrices, 0.0)
    totals, counts = [], []
    for axis, lines in ((-2, columns), (-1, rows)):
        with np.errstate(divide="ignore", invalid="ignore"):
            strengths = np.max(matrices, axis=axis) ** 2 / np.sum(matrices, axis=axis)
        totals.append(np.sum(np.nan_to_num(strengths, nan=0.0), axis=-1))
        counts.append(np.sum(lines, axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        if by_latent:
            return np.nan_to_num((totals[0] + totals[1]) / (counts[0] + counts[1]), nan=0.0)
        return (totals[0] / counts[0] + totals[1] / counts[1]) / 2
