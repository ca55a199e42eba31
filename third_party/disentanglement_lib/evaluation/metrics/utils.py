"""Functions shared by several metrics: sampling codes with their factors, bins, mutual information, predictors.

Module path, function names and gin names are those of disentanglement_lib; its arrays are [codes, n] and
[factors, n].
"""

import inspect

import gin
import numpy as np
from scipy import special
from sklearn import ensemble

from third_party.disentanglement_lib.evaluation.metrics import lightgbm_trees, logistic, validation


def generate_batch_factor_code(ground_truth_data, representation_function, num_points, random_state, batch_size):
    """Draws `num_points` observations in batches and encodes them.

    Factors are drawn batch by batch from `random_state`, so they depend on `batch_size`.

    Returns:
        (codes [codes, num_points], factors [factors, num_points]).

    Raises:
        ValueError: no points, or batches of none.
    """
    if num_points < 1 or batch_size < 1:
        raise ValueError(f"expected at least one point in batches of at least one, received {num_points}, {batch_size}")
    codes, factors = [], []
    for start in range(0, num_points, batch_size):
        batch_factors, observations = ground_truth_data.sample(min(batch_size, num_points - start), random_state)
        factors.append(batch_factors)
        codes.append(representation_function(observations))
    return np.vstack(codes).T, np.vstack(factors).T


def sample_train_test(ground_truth_data, representation_function, num_train, num_test, random_state, batch_size):
    """Draws training and test points and encodes them.

    As in disentanglement_lib, both are drawn from the same data, and one image may be in both. Data with a method
    `train_test()`, which returns two data sets without a common image, gives training points from the first and test
    points from the second.

    Returns:
        codes [codes, num_train], factors [factors, num_train], and the same of the test.
    """
    parts = ground_truth_data.train_test() if hasattr(ground_truth_data, "train_test") else (ground_truth_data,) * 2
    train, test = (
        generate_batch_factor_code(part, representation_function, num, random_state, batch_size)
        for part, num in zip(parts, (num_train, num_test), strict=True)
    )
    return *train, *test


def continuous_factors(ground_truth_data):
    """The data's attribute `continuous_factors`, a bool for each factor; False if it has none, as in the original."""
    return getattr(ground_truth_data, "continuous_factors", False)


FACTOR_BINS = 20


def bin_continuous(ys, continuous, num_bins=FACTOR_BINS):
    """The factors `ys` [factors, n], the continuous ones in `num_bins` bins of equal counts.

    `continuous` is a bool, or one for each factor. Equal counts make the bins independent of the factor's scale.
    """
    mask = validation.factor_mask(continuous, len(ys))
    if not mask.any():
        return ys
    binned = [rank_discretize(row[None], num_bins)[0] if flag else row for row, flag in zip(ys, mask, strict=True)]
    return np.array(binned)


def obtain_representation(observations, representation_function, batch_size):
    """Codes [codes, n] of `observations` [n, ...], encoded in batches."""
    starts = range(0, len(observations), batch_size)
    return np.vstack([representation_function(observations[i : i + batch_size]) for i in starts]).T


def split_train_test(observations, train_percentage):
    """Splits a table [dimensions, n] after the first ceil(n * train_percentage) points."""
    num_train = int(np.ceil(observations.shape[1] * train_percentage))
    return observations[:, :num_train], observations[:, num_train:]


def discrete_mutual_info(mus, ys):
    """Mutual information in nats of every row of `mus` [codes, n] with every row of `ys` [factors, n].

    Both hold discrete values of any kind. I(a; b) = H(a) + H(b) - H(a, b) over the counts of one contingency table per
    pair, summed cell by cell as n_ab / n * log(n n_ab / (n_a n_b)), so that a constant row gives exactly 0.

    Returns:
        [codes, factors].
    """
    codes, code_sizes = _ordinals(mus)
    factors, factor_sizes = _ordinals(ys)
    num_points = len(codes[0])
    width = int(factor_sizes.sum())
    first_cell = np.cumsum(code_sizes) - code_sizes
    first_column = np.cumsum(factor_sizes) - factor_sizes
    rows = (codes + first_cell[:, None]) * width
    columns = factors + first_column[:, None]
    cells = (rows[:, None, :] + columns[None, :, :]).ravel()
    counts = np.bincount(cells, minlength=int(code_sizes.sum()) * width).reshape(-1, width)

    row_counts = np.bincount((rows // width).ravel(), minlength=len(counts))
    column_counts = np.bincount(columns.ravel(), minlength=width)
    occupied = counts > 0
    row, column = np.nonzero(occupied)
    joint = counts[occupied]
    log_ratio = np.log(joint) + np.log(num_points) - np.log(row_counts[row]) - np.log(column_counts[column])
    terms = np.zeros(counts.shape)
    terms[occupied] = joint / num_points * log_ratio
    information = np.add.reduceat(np.add.reduceat(terms, first_cell, axis=0), first_column, axis=1)
    information[code_sizes == 1] = 0.0
    information[:, factor_sizes == 1] = 0.0
    return np.maximum(information, 0.0)


def discrete_entropy(ys):
    """Entropy in nats of every row of `ys` [factors, n]: [factors]."""
    factors, sizes = _ordinals(ys)
    frequencies = [np.bincount(row, minlength=size) / ys.shape[1] for row, size in zip(factors, sizes, strict=True)]
    return np.array([special.entr(frequency).sum() for frequency in frequencies])


def _ordinals(table):
    """Each row's values as 0, 1, ..: (int64 array of the same shape, number of values [rows])."""
    table = np.asarray(table)
    if table.dtype.kind in "iub" and table.size:
        lowest, highest = table.min(axis=1), table.max(axis=1)
        ranges = [int(high) - int(low) for low, high in zip(lowest, highest, strict=True)]  # of any width
        if max(ranges) < 1024:  # small integers: missing values only leave empty cells
            shifted = table.astype(np.int64) - lowest.astype(np.int64)[:, None]
            return shifted, np.array(ranges) + 1
    inverses, sizes = [], []
    for row in table:
        values, inverse = np.unique(row, return_inverse=True)
        inverses.append(inverse.reshape(-1))
        sizes.append(len(values))
    return np.array(inverses, dtype=np.int64).reshape(table.shape), np.array(sizes)


_MOST_BINS = 1_000_000


@gin.configurable("discretizer", denylist=["target"])
def make_discretizer(target, num_bins=20, discretizer_fn=None):
    """Bins of every row of `target` [rows, n] by the configured discretizer (equal-width by default).

    Raises:
      ValueError: `discretizer_fn` is not a function of (target, num_bins).
    """
    function = discretizer_fn or _histogram_discretize
    try:
        inspect.signature(function).bind(target, num_bins)
    except TypeError as error:
        raise ValueError(
            f"discretizer.discretizer_fn: expected a function of (target, num_bins) such as @histogram_discretizer, "
            f"received {getattr(function, '__name__', function)!r} ({error})"
        ) from error
    return function(target, num_bins)


def _check_bins(num_bins):
    if not isinstance(num_bins, (int, np.integer)) or not 1 <= num_bins <= _MOST_BINS:
        raise ValueError(f"discretizer.num_bins: expected a whole number from 1 to {_MOST_BINS}, received {num_bins}")


@gin.configurable("histogram_discretizer", denylist=["target"])
def _histogram_discretize(target, num_bins=20):
    """Equal-width bins 1 .. num_bins between each row's smallest and largest value, as in
    np.histogram.

    On every version of numpy, the edges are computed in double precision and then rounded to the row's precision: with
    single precision throughout, a code on an edge would change its bin.
    """
    _check_bins(num_bins)
    target = np.asarray(target)
    edge_type = target.dtype if target.dtype.kind == "f" else np.float64
    bins = np.empty(target.shape, dtype=np.int64)
    for i, row in enumerate(target):
        low, high = float(row.min()), float(row.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"discretizer: expected finite numbers, received nan or inf in row {i}")
        if low == high:
            low, high = low - 0.5, high + 0.5
        if not np.isfinite(high - low):  # dividing everything by 4 keeps the bins
            row, low, high = row / 4, low / 4, high / 4
        edges = np.linspace(low, high, num_bins + 1).astype(edge_type)
        bins[i] = np.searchsorted(edges[:-1], row, side="right")
    return bins


@gin.configurable("rank_discretizer", denylist=["target"])
def rank_discretize(target, num_bins=20):
    """Bins 1 .. num_bins of equal counts along each row of `target` [rows, n]; equal values share a bin.

    Not in disentanglement_lib. Unlike equal-width bins they do not change under monotone maps of a latent. Equal values
    get the mean of their ranks, so a frequent value and a rare one never share a bin, and with 2 bins or more only a
    constant row is constant in bins.
    """
    _check_bins(num_bins)
    target = np.asarray(target)
    bins = np.empty(target.shape, dtype=np.int64)
    for i, row in enumerate(target):
        ordered = np.sort(row)
        first, after_last = (np.searchsorted(ordered, row, side=side) for side in ("left", "right"))
        bins[i] = 1 + (first + after_last - 1) * num_bins // (2 * len(row))
    return bins


def independent_generator(random_state):
    """A generator seeded from a copy of `random_state`, whose own later draws do not change."""
    copy = np.random.RandomState()
    copy.set_state(random_state.get_state())
    return np.random.RandomState(copy.randint(2**31 - 1, size=4))


def independent_seeds(random_state, num):
    """`num` seeds from a copy of a generator or of the generator with this seed, [num]."""
    if not hasattr(random_state, "randint"):
        random_state = np.random.RandomState(random_state)
    return independent_generator(random_state).randint(2**31 - 1, size=num)


def normalize_data(data, mean=None, stddev=None):
    """Standardised `data` [rows, n], and the mean [rows] and standard deviation [rows] of the rows."""
    mean = np.mean(data, axis=1) if mean is None else mean
    stddev = np.std(data, axis=1) if stddev is None else stddev
    with np.errstate(divide="ignore", invalid="ignore"):
        return (data - mean[:, np.newaxis]) / stddev[:, np.newaxis], mean, stddev


@gin.configurable("predictor")
def make_predictor_fn(predictor_fn=None):
    """The configured constructor of a classifier (gradient boosting by default)."""
    return predictor_fn or gradient_boosting_classifier


@gin.configurable("logistic_regression_cv")
def logistic_regression_cv():
    """Logistic regression, its regularisation chosen among 10 strengths by 5-fold cross-validation."""
    return logistic.LogisticRegressionCV()


@gin.configurable("gradient_boosting_classifier")
def gradient_boosting_classifier(backend="sklearn"):
    """scikit-learn's gradient boosting with its defaults; or LightGBM's, faster with slightly different scores."""
    return boosted_trees(backend)(None)


def boosted_trees(backend, regression=False):
    """Returns a function from a seed to gradient boosted trees; ValueError unless "sklearn" or "lightgbm"."""
    if backend == "sklearn":
        model = ensemble.GradientBoostingRegressor if regression else ensemble.GradientBoostingClassifier
        return lambda seed: model(random_state=seed)
    if backend == "lightgbm":
        return lightgbm_trees.Regressor if regression else lightgbm_trees.Classifier
    raise ValueError(f'backend: expected "sklearn" or "lightgbm", received {backend!r}')
