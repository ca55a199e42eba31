"""Checks of the arrays that the metrics receive; each error is one line."""

import numpy as np

MODES = ("dlib", "fixed")
MOST_FRACTIONS = 20  # values of a discrete factor whose values are fractions
_EXACT = 2**53  # whole numbers up to here are doubles


def check_mode(mode):
    """Returns `mode`; ValueError unless it is "dlib" or "fixed"."""
    if mode not in MODES:
        raise ValueError(f"mode: expected one of {', '.join(MODES)}, received {mode!r}")
    return mode


def check_codes(codes, name="codes"):
    """Finite codes as a C-ordered floating array [n, latents]; ValueError otherwise.

    float32 stays float32, as the original computes in the precision of the codes. The memory order is fixed because
    sums along the other axis round differently.
    """
    codes = np.asarray(codes)
    _check_table(codes, name, "latents")
    if codes.dtype not in (np.float32, np.float64):
        codes = codes.astype(np.float64)
    bad = ~np.isfinite(codes).all(axis=0)
    if bad.any():
        raise ValueError(f"{name}: expected finite numbers, received nan or inf in latent {int(np.argmax(bad))}")
    return np.ascontiguousarray(codes)


def check_factors(factors, num_points, name="factors"):
    """Finite factors as an array [n, factors] with as many rows as the codes; ValueError otherwise."""
    factors = np.asarray(factors)
    _check_table(factors, name, "factors")
    if len(factors) != num_points:
        raise ValueError(f"{name}: expected one row for each of the {num_points} codes, received {len(factors)}")
    if factors.dtype == bool:
        factors = factors.astype(np.int64)
    if factors.dtype.kind in "iu" and factors.size:
        factors = _near_zero(factors)
    bad = ~np.isfinite(factors).all(axis=0)
    if bad.any():
        raise ValueError(f"{name}: expected finite numbers, received nan or inf in factor {int(np.argmax(bad))}")
    return factors


def _near_zero(factors):
    """Shifts integers that floats cannot distinguish by the smallest of their column, which no metric can see."""
    lows, highs = (edge(axis=0).astype(object) for edge in (factors.min, factors.max))
    far = [max(abs(low), abs(high)) > _EXACT >= high - low for low, high in zip(lows, highs, strict=True)]
    if not any(far):
        return factors
    offsets = np.array([low if shift else 0 for low, shift in zip(lows, far, strict=True)], dtype=object)
    return (factors.astype(object) - offsets).astype(factors.dtype)


def check_split(codes_train, factors_train, codes_test, factors_test):
    """The four arrays of a train and test split, checked, with equal numbers of latents and factors."""
    codes_train = check_codes(codes_train, "codes_train")
    codes_test = check_codes(codes_test, "codes_test")
    factors_train = check_factors(factors_train, len(codes_train), "factors_train")
    factors_test = check_factors(factors_test, len(codes_test), "factors_test")
    for name, train, test in (
        ("codes_test", codes_train, codes_test),
        ("factors_test", factors_train, factors_test),
    ):
        if train.shape[1] != test.shape[1]:
            raise ValueError(f"{name}: expected {train.shape[1]} columns as in training, received {test.shape[1]}")
    return codes_train, factors_train, codes_test, factors_test


def factor_mask(continuous, num_factors):
    """`continuous`, a bool or one for each factor, as an array of bools [factors]; ValueError for another length."""
    mask = np.asarray(continuous, dtype=bool)
    if mask.ndim and mask.shape != (num_factors,):
        raise ValueError(
            f"continuous_factors: expected a bool for each of {num_factors} factors, received {mask.shape}"
        )
    return np.broadcast_to(mask, (num_factors,))


def reject_continuous(continuous, metric, reason):
    """ValueError that names the first continuous factor of a metric that needs discrete ones.

    `continuous` is a bool, or one for each factor.
    """
    mask = np.atleast_1d(np.asarray(continuous, dtype=bool))
    if mask.any():
        raise ValueError(
            f"{metric}: expected discrete factors, received the continuous factor {int(np.argmax(mask))}; {reason}"
        )


def constant_rows(table):
    """Mask [rows] of the rows of `table` [rows, n] with a single value."""
    return table.max(axis=1) == table.min(axis=1)


def reject_unclassifiable_factors(ys, metric, first=0, fractions=False):
    """ValueError that names the first factor of `ys` [factors, n] that a classifier of scikit-learn refuses.

    Such a factor has a single value, or a value that is not a whole number. `first` is the number of the first row;
    `fractions`, a bool or one for each factor, allows fractions.
    """
    fractional = (ys != np.floor(ys)).any(axis=1) if ys.dtype.kind == "f" else np.zeros(len(ys), dtype=bool)
    fractional = fractional & ~np.asarray(fractions)
    if fractional.any():
        factor = first + int(np.argmax(fractional))
        raise ValueError(
            f"{metric}: expected whole numbers as values of discrete factors, received fractions in factor {factor}; "
            'number its values or use mode="fixed"'
        )
    constant = constant_rows(ys)
    if constant.any():
        factor = first + int(np.argmax(constant))
        raise ValueError(
            f"{metric}: expected at least 2 values of every factor, received 1 of factor {factor}; "
            'leave the factor out or use mode="fixed"'
        )


def reject_codes_beyond_single_precision(mus, metric):
    """Raises ValueError with the first latent of `mus` [latents, n] that has a code beyond single precision."""
    beyond = (np.abs(mus) > np.finfo(np.float32).max).any(axis=1)
    if beyond.any():
        raise ValueError(
            f"{metric}: expected codes in the range of single precision, received others in latent "
            f'{int(np.argmax(beyond))}; scale it or use mode="fixed"'
        )


def varying_factors(ys, metric):
    """Indices of the factors of `ys` [factors, n] that take more than one value; ValueError if none does."""
    (varying,) = np.nonzero(~constant_rows(ys))
    if not varying.size:
        raise ValueError(f"{metric}: expected a factor with at least 2 values, received constant factors only")
    return varying


def classes(ys_train, ys_test, metric):
    """The factors [factors, n] of both splits with whole numbers in place of their values, in the same order.

    ValueError for a factor with fractions as values and more of them than `MOST_FRACTIONS` and than half its
    points: a classifier could not learn them.
    """
    numbered = []
    for i, (train, test) in enumerate(zip(ys_train, ys_test, strict=True)):
        values, places = np.unique(np.append(train, test), return_inverse=True)
        if len(values) > max(MOST_FRACTIONS, len(train) / 2) and (values != np.floor(values)).any():
            raise ValueError(
                f"{metric}: expected discrete factors, received {len(values)} values, fractions among them, of factor "
                f"{i}; declare it continuous or bin it"
            )
        numbered.append(places.reshape(-1))
    table = np.array(numbered)
    return table[:, : ys_train.shape[1]], table[:, ys_train.shape[1] :]


def number_classes(ys_train, ys_test, continuous, metric):
    """As `classes`, but the rows of `continuous` factors, a bool for each, keep their values."""
    continuous = np.asarray(continuous)
    if not continuous.any():
        return classes(ys_train, ys_test, metric)
    train, test = np.array(ys_train, dtype=np.float64), np.array(ys_test, dtype=np.float64)
    discrete = np.flatnonzero(~continuous)
    if len(discrete):
        train[discrete], test[discrete] = classes(ys_train[discrete], ys_test[discrete], metric)
    return train, test


def moderate(*tables, by_latent=False):
    """Scales tables [n, latents] by a power of 2 if squares of their numbers would leave the range of their type.

    The power is the same for all tables, or one for each latent with `by_latent`.

    Returns:
        (the exponent, 0 without scaling, or one for each latent; the list of tables).
    """
    limit = 30 if any(table.dtype == np.float32 for table in tables) else 100
    largest = np.max([np.abs(table).max(axis=0) for table in tables], axis=0)
    _, exponents = np.frexp(largest if by_latent else largest.max())
    exponents = np.where(np.abs(exponents) > limit, -exponents, 0)
    if not exponents.any():
        return exponents, list(tables)
    return exponents, [np.ldexp(table, exponents) for table in tables]


def reject_single_latent(num_latents, metric, mended=True):
    """Raises ValueError for a single latent, which has no second best; `mended`: mode "fixed" accepts it."""
    if num_latents < 2:
        advice = '; use mode="fixed"' if mended else ""
        raise ValueError(f"{metric}: expected at least 2 latents, received 1{advice}")


def _check_table(array, name, columns):
    if array.ndim != 2 or not all(array.shape):
        raise ValueError(f"{name}: expected a non-empty array [n, {columns}], received shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers, received dtype {array.dtype}")
