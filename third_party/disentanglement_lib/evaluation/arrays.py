"""All metrics of codes and factors given as arrays, from any framework."""

import functools
import zipfile

import numpy as np

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
    unified_scores,
    unsupervised_metrics,
    utils,
    validation,
)

_LARGEST = 1 << 34  # bytes that arrays may have, unpacked


def read(path):
    """The arrays of an npz file by name, none of them through a pickle.

    Raises:
        ValueError: no such file, or a damaged one, or one of something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ValueError(f"more than {_LARGEST} bytes")
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except Exception as error:  # zipfile's and numpy's readers raise what they please on a file that is none
        raise ValueError(f"{path}: expected an npz file of arrays, as np.savez writes ({error})") from error


def split(codes, factors):
    """The first two thirds for training and the rest for the test, as arrays of the four parts."""
    codes = validation.check_codes(codes)
    factors = validation.check_factors(factors, len(codes))
    if len(codes) < 3:
        raise ValueError(f"codes: expected at least 3 points to split, received {len(codes)}")
    size = 2 * len(codes) // 3
    return codes[:size], factors[:size], codes[size:], factors[size:]


def metrics(codes, factors, codes_test, factors_test, mode="dlib", backend="sklearn"):
    """Every metric as a function of a seed, by its name in disentanglement_lib's studies.

    MIG, NMIG, IRS and the unsupervised scores read the training split alone, as there. The beta-VAE and
    FactorVAE scores draw among the training points, as no encoder can be asked, with 0.05 as the studies'
    pruning threshold.
    """
    arrays = codes, factors, codes_test, factors_test
    points = sampling.Points(codes, factors)
    logistic = functools.partial(downstream_task.score, *arrays, utils.logistic_regression_cv, mode=mode)
    return {
        "mig": lambda seed: mig.score(codes, factors, mode=mode),
        "nmig": lambda seed: nmig.score(codes, factors, mode=mode),
        "dci": lambda seed: dci.score(*arrays, seed, mode, backend),
        "sap_score": lambda seed: sap_score.score(*arrays, mode=mode),
        "sap_score_continuous": lambda seed: sap_score.score(*arrays, continuous_factors=True, mode=mode),
        "modularity_explicitness": lambda seed: modularity_explicitness.score(*arrays, mode=mode),
        "irs": lambda seed: irs.score(codes, factors, mode=mode),
        "unsupervised": lambda seed: unsupervised_metrics.score(codes, mode=mode),
        "beta_vae_sklearn": lambda seed: beta_vae.score(points, seed, mode=mode),
        "factor_vae_metric": lambda seed: factor_vae.score(points, seed, threshold=0.05, mode=mode),
        "downstream_task_logistic_regression": lambda seed: logistic(random_state=seed),
        "downstream_task_boosted_trees": lambda seed: downstream_task.score(*arrays, random_state=seed, mode=mode),
        "reduced_downstream_task": lambda seed: reduced_downstream_task.score(
            *arrays, predictor_fn=utils.logistic_regression_cv, random_state=seed, mode=mode
        ),
        "unified_scores": lambda seed: unified_scores.score(*arrays, mode=mode),
    }


DRAWING = ("dci", "beta_vae_sklearn", "factor_vae_metric", "downstream_task_boosted_trees", "reduced_downstream_task")


def score(codes, factors, codes_test=None, factors_test=None, names=None, seeds=(0,), mode="dlib", backend="sklearn"):
    """Scores of codes by many metrics.

    Args:
        codes, factors: [n, latents] and [n, factors].
        codes_test, factors_test: the test split; without it the last third of the points.
        names: which metrics, of the keys of `metrics`; all by default. Boosted trees take minutes.
        seeds: for the metrics that draw; several give mean and standard error, see `evaluate.repeat`.
        mode: "dlib" or "fixed".
        backend: of DCI.

    Returns:
        {metric: its result, or {"error": why it has none}}.

    Raises:
        ValueError: arrays that are no tables of finite numbers; an unknown metric.
    """
    if codes_test is None or factors_test is None:
        codes, factors, codes_test, factors_test = split(codes, factors)
    codes, factors, codes_test, factors_test = validation.check_split(codes, factors, codes_test, factors_test)
    functions = metrics(codes, factors, codes_test, factors_test, mode, backend)
    unknown = set(names or ()) - set(functions)
    if unknown:
        raise ValueError(f"metrics: expected some of {', '.join(functions)}, received {', '.join(sorted(unknown))}")
    results = {}
    for name in names or functions:
        try:
            with utils.one_thread():
                results[name] = evaluate.repeat(functions[name], seeds if name in DRAWING else seeds[:1])
        except ValueError as error:
            results[name] = {"error": str(error)}
    return results
