"""Every metric on codes and factors given as arrays, from any framework."""

import functools
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdl.data.factor_columns import is_missing, parse_cells
from rdl.errors import UserError, in_one_line
from rdl.metrics import cost, dci_es, factor_kinds, infomec, mig_sup, splits
from rdl.metrics.undefined import leave_out_undefined
from rdl.seeds import generator
from rdl.time_left import format_duration
from third_party.disentanglement_lib.evaluation import evaluate
from third_party.disentanglement_lib.evaluation.metrics import (
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    irs,
    mig,
    modularity_explicitness,
    nmig,
    reduced_downstream_task,
    sampling,
    sap_score,
    threads,
    unified_scores,
    unsupervised_metrics,
    utils,
    validation,
)  # fmt: skip

_MOST_BYTES = 1 << 34  # of the unpacked arrays
TEST_SHARE = 1 / 3
_LONG = 10  # seconds after which a metric reports its progress

Metric = Callable[[int], dict[str, Any]]
"""A metric as a function of its seed."""
DRAWING = (
    "infomec", "beta_vae_sklearn", "factor_vae_metric", "reduced_downstream_task", "dci_es", "dci",
    "downstream_task_boosted_trees",
)  # fmt: skip
"""The metrics whose result depends on the seed."""
CLASSIFYING = {
    "beta_vae_sklearn": "its pairs share one value of a factor",
    "factor_vae_metric": "its batches share one value of a factor",
    "downstream_task_logistic_regression": "it classifies values",
    "downstream_task_boosted_trees": "it classifies values",
    "reduced_downstream_task": "it classifies values",
    "unified_scores": "they classify values",
    "dci_es": "its forests classify values",
}
"""The metrics that are not defined for continuous factors, and why."""


@dataclass(frozen=True)
class Points:
    """Codes and factors that the metrics read.

    Attributes:
      train: codes [n, latents] and factors [n, factors] of the training points.
      test: the same of the test points.
      all: of all points, for the metrics without a test; the training points where the user gave a test split.
      continuous: bool [factors].
      names: of the factors.
    """

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    all: tuple[np.ndarray, np.ndarray]
    continuous: np.ndarray
    names: list[str]


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name; no pickle is loaded.

    Raises:
      UserError: there is no such file, or it is not an npz file of arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES} bytes")
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except Exception as error:  # zipfile and numpy raise many types for damaged files
        raise UserError(f"{path}: expected an npz file of arrays, as np.savez writes ({in_one_line(error)})") from error


def score_arrays(
    codes: np.ndarray,
    factors: np.ndarray,
    codes_test: np.ndarray | None = None,
    factors_test: np.ndarray | None = None,
    *,
    metrics: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    mode: str = "dlib",
    backend: str = "sklearn",
    factor_names: Sequence[str] | None = None,
    continuous: Sequence[str] = (),
    discrete: Sequence[str] = (),
    split_seed: int = 0,
    on_message: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Scores codes by many metrics, the fast ones first; yields each result as soon as it is there.

    Without a test split a third of the points, drawn by `split_seed`, is the test (see `splits.split_points`), and
    the result does not depend on the order of the rows. Metrics without a test (MIG, IRS, InfoMEC, ..) then read all
    points. A given test split is used as it is; metrics without a test read the training points, as in
    disentanglement_lib. Factors with one value are left out.

    Args:
      codes: [n, latents], more points than latents.
      factors: [n, factors], or [n] for one factor; numbers, or text that is numbered.
      codes_test: codes of a test split.
      factors_test: its factors.
      metrics: names of `METRICS`; all by default.
      seeds: for the metrics that draw; several give means and standard errors, see `evaluate.repeat`.
      mode: ``dlib`` or ``fixed``, as of the metrics.
      backend: trees of DCI: ``sklearn`` or ``lightgbm``.
      factor_names: of the factors; their numbers by default.
      continuous: names of factors that are continuous; others are recognised by `factor_kinds.find_continuous`.
      discrete: names of factors that are discrete.
      split_seed: of the split.
      on_message: called with one line for each decision that the user should know, and with estimates of time.

    Yields:
      The metric's name and its result: scores by key, ``undefined`` with the scores that are not defined and why, or
      ``error`` with the reason why there is no result.

    Raises:
      UserError: arrays that are not tables of finite numbers, or are transposed; an unknown metric or factor.
    """
    if unknown := set(metrics or ()) - set(METRICS):
        raise UserError(f"metrics: expected some of {', '.join(METRICS)}, received {', '.join(sorted(unknown))}")
    try:
        validation.check_mode(mode)
        points = _prepare(
            (codes, factors, codes_test, factors_test), factor_names, (continuous, discrete), split_seed, on_message
        )
    except ValueError as error:
        raise UserError(in_one_line(error)) from error
    num_points, num_latents = points.train[0].shape
    num_values = [
        1 if flag else len(np.unique(column)) for column, flag in zip(points.train[1].T, points.continuous, strict=True)
    ]
    functions = _functions(points, mode, backend)
    for name in [name for name in METRICS if metrics is None or name in metrics]:
        used = seeds if name in DRAWING else seeds[:1]
        seconds = cost.expected_seconds(name, num_points, num_values, num_latents, backend) * len(used)
        try:
            if name in CLASSIFYING and points.continuous.any():
                factor = points.names[int(np.argmax(points.continuous))]
                raise ValueError(f"{name}: factor {factor!r} is continuous, and {CLASSIFYING[name]}")
            if seconds > 2:
                on_message(f"{name}: about {format_duration(seconds)}")
            report = functools.partial(_report, on_message, name) if seconds > _LONG else lambda done, total: None
            with threads.one_thread(), threads.report_progress(report):
                result = evaluate.repeat(functions[name], used)
            yield name, leave_out_undefined(result, len(num_values), num_latents)
        except (UserError, ValueError) as error:
            yield name, {"error": in_one_line(error)}


def _report(on_message: Callable[[str], None], name: str, done: int, total: int) -> None:
    on_message(f"{name}: {done} of {total} factors")


def _prepare(arrays, factor_names, declared, split_seed, on_message) -> Points:
    """Checks the arrays, finds out what they hold and splits them."""
    codes, factors, codes_test, factors_test = arrays
    given = codes_test is not None and factors_test is not None
    codes = validation.check_codes(codes)
    factors, factors_test = _number_text(factors, factors_test if given else None)
    factors = validation.check_factors(factors, len(codes))
    _reject_transposed(codes, "codes", "latents")
    _reject_transposed(factors, "factors", "factors")
    names = _check_names(factor_names, factors.shape[1])
    if given:
        codes, factors, codes_test, factors_test = validation.check_split(codes, factors, codes_test, factors_test)
    elif len(codes) < 3:
        raise ValueError(f"codes: expected at least 3 points to split, received {len(codes)}")
    continuous = factor_kinds.resolve_continuous(factors, names, *declared)
    varying = validation.varying_factors(factors.T, "factors")
    if left_out := [name for i, name in enumerate(names) if i not in varying]:
        on_message(f"factors with one value, left out: {', '.join(left_out)}")
    if line := factor_kinds.describe_continuous(factors, names, continuous):
        on_message(line)
    factors, continuous, names = factors[:, varying], continuous[varying], [names[i] for i in varying]
    if given:
        points = Points((codes, factors), (codes_test, factors_test[:, varying]), (codes, factors), continuous, names)
    else:
        rows = splits.order_rows(codes, factors)
        train, test = splits.split_points(factors[rows], TEST_SHARE, split_seed, continuous)
        shuffled = [rows[part][np.argsort(_ranks(len(part), split_seed))] for part in (train, test)]
        on_message(f"split: {len(train):,} points train and {len(test):,} test, drawn by seed {split_seed}")
        of_train, of_test, of_all = ((codes[part], factors[part]) for part in (*shuffled, np.concatenate(shuffled)))
        points = Points(of_train, of_test, of_all, continuous, names)
    if warning := splits.describe_few_points(len(points.train[0]) + len(points.test[0])):
        on_message(f"warning: {warning}")
    return points


def _ranks(num: int, seed: int) -> np.ndarray:
    """A random order: cross-validation takes contiguous folds, which sorted rows would make unlike each other."""
    return generator(seed, "order").permutation(num)


def _number_text(factors, factors_test):
    """Factors as numbers, one factor as a table; text is numbered in its order, the same in both splits."""
    tables = [np.asarray(table) for table in (factors, factors_test) if table is not None]
    tables = [table[:, None] if table.ndim == 1 else table for table in tables]
    if all(table.dtype.kind in "US" and table.ndim == 2 and table.size for table in tables):
        columns = [_number_column(parts) for parts in zip(*(table.T for table in tables), strict=True)]
        tables = np.split(np.stack(columns, axis=1), [len(tables[0])])[: len(tables)]
    return tables[0], tables[1] if len(tables) > 1 else None


def _number_column(parts: Sequence[np.ndarray]) -> np.ndarray:
    """A column of text as numbers: the text's own numbers, or numbers of its words in alphabetical order."""
    cells = [
        cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in np.concatenate(parts)
    ]
    if missing := [cell for cell in cells if is_missing(cell)]:
        raise ValueError(f"factors: expected a value for every point, received {missing[0]!r}; leave these points out")
    values = parse_cells(cells, "the factors")
    return values if values.dtype.kind == "f" else np.unique(values, return_inverse=True)[1]


def _reject_transposed(table: np.ndarray, name: str, columns: str) -> None:
    if table.shape[1] > len(table):
        raise ValueError(
            f"{name}: expected more points than {columns}, received {len(table)} points of {table.shape[1]} {columns}; "
            "transpose the array to [n, " + columns + "]"
        )


def _check_names(names: Sequence[str] | None, num_factors: int) -> list[str]:
    if names is None:
        return [str(i) for i in range(num_factors)]
    if len(names) != num_factors or len(set(names)) != len(names):
        raise ValueError(f"factor_names: expected {num_factors} distinct names, received {', '.join(names)}")
    return list(names)


def _functions(points: Points, mode: str, backend: str) -> dict[str, Metric]:
    codes, factors = points.all
    arrays, continuous = (*points.train, *points.test), points.continuous
    sampler = sampling.Points(codes, factors)
    logistic = functools.partial(downstream_task.score, *arrays, utils.logistic_regression_cv, mode=mode)
    return {
        "mig": lambda seed: mig.score(codes, factors, mode=mode, continuous_factors=continuous),
        "nmig": lambda seed: nmig.score(codes, factors, mode=mode, continuous_factors=continuous),
        "mig_sup": lambda seed: _without(
            mig_sup.compute_mig_sup(codes, factors, continuous_factors=continuous), "per_latent"
        ),
        "sap_score": lambda seed: sap_score.score(*arrays, mode=mode, continuous_factors=continuous),
        "sap_score_continuous": lambda seed: sap_score.score(*arrays, continuous_factors=True, mode=mode),
        "modularity_explicitness": lambda seed: modularity_explicitness.score(
            *arrays, mode=mode, continuous_factors=continuous
        ),
        "irs": lambda seed: irs.score(codes, factors, mode=mode),
        "unsupervised": lambda seed: unsupervised_metrics.score(codes, mode=mode),
        "infomec": lambda seed: infomec.measure_infomec(codes, factors, seed, continuous_factors=continuous),
        # No encoder is at hand: both scores draw among the points. 0.05 is the studies' pruning threshold.
        "beta_vae_sklearn": lambda seed: beta_vae.score(sampler, seed, mode=mode),
        "factor_vae_metric": lambda seed: factor_vae.score(sampler, seed, threshold=0.05, mode=mode),
        "downstream_task_logistic_regression": lambda seed: logistic(random_state=seed),
        "reduced_downstream_task": lambda seed: reduced_downstream_task.score(
            *arrays, predictor_fn=utils.logistic_regression_cv, random_state=seed, mode=mode
        ),
        "dci_es": lambda seed: dci_es.measure_dci_es(*arrays, seed),
        "dci": lambda seed: dci.score(*arrays, seed, mode, backend, continuous_factors=continuous),
        "unified_scores": lambda seed: unified_scores.score(*arrays, mode=mode),
        "downstream_task_boosted_trees": lambda seed: downstream_task.score(*arrays, random_state=seed, mode=mode),
    }


METRICS = (
    "mig", "nmig", "mig_sup", "sap_score", "sap_score_continuous", "modularity_explicitness", "irs", "unsupervised",
    "infomec", "beta_vae_sklearn", "factor_vae_metric", "downstream_task_logistic_regression",
    "reduced_downstream_task", "dci_es", "dci", "unified_scores", "downstream_task_boosted_trees",
)  # fmt: skip
"""The metrics of arrays, the fast ones first."""


def _without(result: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != key}
