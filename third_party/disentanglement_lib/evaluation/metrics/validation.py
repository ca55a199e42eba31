"""What the metrics expect of their arrays, said in one line where an array is otherwise."""

import numpy as np

MODES = ("dlib", "fixed")


def check_mode(mode):
    """Returns `mode`; ValueError unless it is "dlib" or "fixed"."""
    if mode not in MODES:
        raise ValueError(f"mode: expected one of {', '.join(MODES)}, received {mode!r}")
    return mode


def check_codes(codes, name="codes"):
    """Finite codes as a C-ordered floating array [n, latents]; ValueError otherwise.

    float32 stays float32, as the original computes in the codes' own precision. The order of the axes in
    memory is fixed because sums round differently along the other one.
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
    bad = ~np.isfinite(factors).all(axis=0)
    if bad.any():
        raise ValueError(f"{name}: expected finite numbers, received nan or inf in factor {int(np.argmax(bad))}")
    return factors


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


def constant_rows(table):
    """Mask [rows] of the rows of `table` [rows, n] that hold one value only."""
    return np.ptp(table, axis=1) == 0


def reject_constant_factors(ys, metric):
    """ValueError that names the first factor of `ys` [factors, n] with one value only."""
    constant = constant_rows(ys)
    if constant.any():
        factor = int(np.argmax(constant))
        raise ValueError(
            f"{metric}: expected at least 2 values of every factor, received 1 of factor {factor}; "
            'leave the factor out or use mode="fixed"'
        )


def varying_factors(ys, metric):
    """Indices of the factors of `ys` [factors, n] that take more than one value; ValueError if none does."""
    (varying,) = np.nonzero(~constant_rows(ys))
    if not varying.size:
        raise ValueError(f"{metric}: expected a factor with at least 2 values, received constant factors only")
    return varying


def reject_single_latent(num_latents, metric):
    """ValueError where a gap between the two best latents has no second one."""
    if num_latents < 2:
        raise ValueError(
            f"{metric}: expected at least 2 latents, to have a gap between two, received {num_latents}; "
            'use mode="fixed"'
        )


def _check_table(array, name, columns):
    if array.ndim != 2 or not all(array.shape):
        raise ValueError(f"{name}: expected a non-empty array [n, {columns}], received shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers, received dtype {array.dtype}")
