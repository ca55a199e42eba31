"""CPU seconds of every metric with disentanglement_lib's default sizes, compared with a direct implementation.

    OMP_NUM_THREADS=1 python benchmarks/metrics.py [--plain] [--trees lightgbm sklearn] [--udr-models 20 280]

The data has the factors of dSprites (3, 6, 40, 32, 32) and no images: the encoder is a formula of negligible cost.
`--plain` runs the implementations of `plain_metrics.py`; `--trees` runs DCI and the downstream task with boosted trees,
which take minutes with scikit-learn. Prints a table with the scores of both, which are equal.
`benchmarks/evaluation.py` measures a whole run of bin/evaluate.
"""

import argparse
import functools
import os
import platform
import time

import numpy as np
import plain_metrics
import scipy
import sklearn
from plain_metrics import NUM_TEST, NUM_TRAIN, Factors, encode

from third_party.disentanglement_lib.evaluation.metrics import (
    beta_vae,
    dci,
    downstream_task,
    factor_vae,
    irs,
    mig,
    modularity_explicitness,
    nmig,
    sap_score,
    unsupervised_metrics,
    utils,
)
from third_party.disentanglement_lib.evaluation.udr.metrics import udr


def split():
    """Codes and factors of training and test, [n, ...], with noise so that trees and bins are not trivial."""
    generator = np.random.RandomState(0)
    parts = []
    for num in (NUM_TRAIN, NUM_TEST):
        factors = Factors().sample_factors(num, generator)
        parts += [encode(factors) + 0.05 * generator.normal(size=(num, 10)), factors]
    return parts


def models(num_models):
    """Codes of models that found the same ten latents in rotations, and their KL."""
    generator = np.random.default_rng(0)
    base = generator.normal(size=(1000, 10))
    rotations = [np.linalg.qr(np.eye(10) + 0.3 * generator.normal(size=(10, 10)))[0] for _ in range(num_models)]
    codes = np.stack([base @ r + 0.3 * generator.normal(size=base.shape) for r in rotations])
    return codes, np.ones((num_models, 10))


def measure(function):
    """(result, CPU seconds, wall seconds)."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def cases(options):
    """(name, ours, plain) of what is to be measured."""
    codes, factors, codes_test, factors_test = parts = split()
    generator = np.random.RandomState
    yield "MIG", lambda: mig.score(codes, factors)["discrete_mig"], lambda: plain_metrics.mig(codes, factors)
    yield (
        "mutual information 10 x 10",
        lambda: information(codes),
        lambda: plain_metrics.mutual_information(codes, bins(codes).T)[0].sum(),
    )
    yield "NMIG", lambda: nmig.score(codes, factors)["discrete_nmig"], lambda: plain_metrics.nmig(codes, factors)
    yield "SAP, discrete", lambda: sap_score.score(*parts)["SAP_score"], lambda: plain_metrics.sap(*parts)
    yield (
        "SAP, continuous",
        lambda: sap_score.score(*parts, continuous_factors=True)["SAP_score"],
        lambda: plain_metrics.sap_continuous(codes, factors),
    )
    yield (
        "modularity, explicitness",
        lambda: modularity_explicitness.score(*parts)["explicitness_score_test"],
        lambda: plain_metrics.explicitness(*parts),
    )
    yield "IRS", lambda: irs.score(codes, factors)["IRS"], lambda: plain_metrics.irs(codes, factors)
    yield (
        "unsupervised",
        lambda: unsupervised_metrics.score(codes)["gaussian_wasserstein_correlation"],
        lambda: plain_metrics.unsupervised(codes),
    )
    yield (
        "beta-VAE",
        lambda: beta_vae.compute_beta_vae_sklearn(Factors(), encode, generator(0))["eval_accuracy"],
        plain_metrics.beta_vae,
    )
    yield (
        "FactorVAE",
        lambda: factor_vae.compute_factor_vae(Factors(), encode, generator(0))["eval_accuracy"],
        plain_metrics.factor_vae,
    )
    for num in options.udr_models:
        representations, kl = models(num)
        for correlation in ("lasso", "spearman"):
            yield (
                f"UDR {correlation}, {num} models",
                lambda c=correlation, r=representations, k=kl: udr.score(r, k, c)["model_scores"].mean(),
                (lambda c=correlation, r=representations: plain_metrics.udr(r, c)) if num <= 20 else None,
            )
    for backend in options.trees:
        plain = functools.partial(plain_metrics.dci, *parts) if backend == "sklearn" else None
        yield f"DCI, {backend}", lambda b=backend: dci.score(*parts, backend=b)["disentanglement"], plain
        yield f"trees of 1,000, {backend}", lambda b=backend: trees_of_few(parts, b), None


def trees_of_few(parts, backend):
    codes, factors, *test = parts
    trees = functools.partial(utils.gradient_boosting_classifier, backend)
    return downstream_task.score(codes[:1000], factors[:1000], *test, trees, mode="fixed")["1000:mean_test_accuracy"]


def bins(codes):
    return utils.make_discretizer(codes.T)


def information(codes):
    return utils.discrete_mutual_info(bins(codes), bins(codes)).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", action="store_true", help="also the straightforward formulations")
    parser.add_argument("--trees", nargs="*", default=[], help="also DCI by these backends: lightgbm, sklearn")
    parser.add_argument("--udr-models", type=int, nargs="*", default=[20, 280])
    parser.add_argument("--repeats", type=int, default=3, help="the least CPU time of these is shown, for ours")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", end=", ")
    print(f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}")
    print(f"{'metric':28}{'CPU s':>9}{'wall s':>9}{'plain CPU s':>13}{'score':>13}{'plain score':>13}")
    total = 0.0
    for name, ours, plain in cases(options):
        runs = [measure(ours) for _ in range(1 if "DCI" in name or "trees" in name else options.repeats)]
        result, cpu, wall = min(runs, key=lambda run: run[1])
        line = f"{name:28}{cpu:9.3f}{wall:9.3f}"
        if options.plain and plain:
            plain_result, plain_cpu, _ = measure(plain)
            line += f"{plain_cpu:13.3f}{result:13.6f}{plain_result:13.6f}"
        else:
            line += f"{'':13}{result:13.6f}"
        print(line, flush=True)
        total += 0.0 if "UDR" in name or "DCI" in name or "10 x 10" in name else cpu
    print(f"{'sum without UDR and DCI':28}{total:9.3f}")


if __name__ == "__main__":
    main()
