"""CPU seconds of every metric at disentanglement_lib's default sizes, beside a straightforward formulation.

    OMP_NUM_THREADS=1 python benchmarks/metrics.py [--plain] [--trees lightgbm sklearn] [--udr-models 20 280]

The data has dSprites' factors (3, 6, 40, 32, 32) and no images: the encoder, a small formula, costs next to nothing.
`--plain` runs the formulations written here with scikit-learn and scipy, a pair of latent and factor, a batch or a pair
of models at a time; `--trees` runs DCI and the downstream task of boosted trees, with scikit-learn minutes of work.
Prints a table and the scores, so that one run shows that the two give the same. `benchmarks/evaluation.py` measures
what bin/evaluate does as a whole.
"""

import argparse
import functools
import os
import platform
import time

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import ensemble, linear_model, metrics, preprocessing, svm

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

SIZES = (3, 6, 40, 32, 32)
NUM_TRAIN, NUM_TEST, BATCH = 10000, 5000, 64


class Factors:
    """dSprites' factors as observations."""

    num_factors = len(SIZES)
    factors_num_values = SIZES
    observation_shape = (len(SIZES),)

    def sample_factors(self, num, random_state):
        return np.stack([random_state.randint(size, size=num) for size in SIZES], axis=1)

    def sample_observations_from_factors(self, factors, random_state):
        return factors

    def sample(self, num, random_state):
        factors = self.sample_factors(num, random_state)
        return factors, factors

    def sample_observations(self, num, random_state):
        return self.sample_factors(num, random_state)


WEIGHTS = np.random.default_rng(0).normal(size=(len(SIZES), 10)) * 0.3 + np.eye(len(SIZES), 10)


def encode(factors):
    """Ten smooth mixtures of the factors, none of them constant."""
    return np.sin(factors / np.array(SIZES) @ WEIGHTS * 2).astype(np.float32)


def split():
    """Codes and factors, training and test, [n, ...], noise added so that trees and bins have work to do."""
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


def plain_information(codes, factors):
    bins = [np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T]
    information = np.array([[metrics.mutual_info_score(y, b) for y in factors.T] for b in bins])
    return information, np.array([metrics.mutual_info_score(y, y) for y in factors.T])


def plain_mig(codes, factors):
    information, entropy = plain_information(codes, factors)
    ordered = np.sort(information, axis=0)
    return np.mean((ordered[-1] - ordered[-2]) / entropy)


def plain_nmig(codes, factors):
    information, entropy = plain_information(codes, factors)
    known = information / entropy
    best = known.argmax(axis=0)
    return np.mean([known[best[j], j] - np.delete(known[best[j]], j).max() for j in range(len(entropy))])


def plain_sap(codes, factors, codes_test, factors_test):
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            model = svm.LinearSVC(C=0.01, class_weight="balanced", dual=True).fit(codes[:, [i]], factors[:, j])
            matrix[i, j] = np.mean(model.predict(codes_test[:, [i]]) == factors_test[:, j])
    ordered = np.sort(matrix, axis=0)
    return np.mean(ordered[-1] - ordered[-2])


def plain_sap_continuous(codes, factors):
    matrix = [[np.corrcoef(c, y)[0, 1] ** 2 for y in factors.T] for c in codes.T]
    ordered = np.sort(matrix, axis=0)
    return np.mean(ordered[-1] - ordered[-2])


def plain_explicitness(codes, factors, codes_test, factors_test):
    scaler = preprocessing.StandardScaler().fit(codes)
    areas = []
    for y, y_test in zip(factors.T, factors_test.T, strict=True):
        model = linear_model.LogisticRegression().fit(scaler.transform(codes), y)
        for inputs, labels in ((codes, y), (codes_test, y_test)):
            positive = preprocessing.label_binarize(labels, classes=model.classes_)
            areas.append(metrics.roc_auc_score(positive, model.predict_proba(scaler.transform(inputs))))
    plain_information(codes, factors)
    return np.mean(areas[1::2])


def plain_irs(codes, factors):
    deviation = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for j, y in enumerate(np.stack([np.digitize(f, np.histogram(f, 20)[1][:-1]) for f in factors.T])):
        groups = [codes[y == value] for value in np.unique(y)]
        matrix[:, j] = np.mean([np.percentile(np.abs(g - g.mean(axis=0)), 99, axis=0) for g in groups], axis=0)
    return np.average((1 - matrix / deviation[:, None]).max(axis=1), weights=deviation)


def plain_unsupervised(codes):
    cov = np.cov(codes.T)
    root = scipy.linalg.sqrtm(cov * np.diag(cov)[:, None])
    information, _ = plain_information(
        codes, np.stack([np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T], 1)
    )
    np.fill_diagonal(information, 0)
    return 2 * np.trace(cov) - 2 * np.trace(root).real


def plain_beta_vae():
    data, generator = Factors(), np.random.RandomState(0)
    points, labels = np.zeros((NUM_TRAIN + NUM_TEST, 10)), np.zeros(NUM_TRAIN + NUM_TEST, int)
    for i in range(len(points)):
        labels[i] = generator.randint(data.num_factors)
        first, second = data.sample_factors(BATCH, generator), data.sample_factors(BATCH, generator)
        second[:, labels[i]] = first[:, labels[i]]
        points[i] = np.mean(np.abs(encode(first) - encode(second)), axis=0)
    model = linear_model.LogisticRegression().fit(points[:NUM_TRAIN], labels[:NUM_TRAIN])
    return model.score(points[NUM_TRAIN:], labels[NUM_TRAIN:])


def plain_factor_vae():
    data, generator = Factors(), np.random.RandomState(0)
    variances = np.var(encode(data.sample_observations(NUM_TRAIN, generator)), axis=0, ddof=1)
    tables = []
    for num in (NUM_TRAIN, NUM_TEST):
        votes = np.zeros((data.num_factors, 10), int)
        for _ in range(num):
            factor = generator.randint(data.num_factors)
            factors = data.sample_factors(BATCH, generator)
            factors[:, factor] = factors[0, factor]
            votes[factor, np.argmin(np.var(encode(factors), axis=0, ddof=1) / variances)] += 1
        tables.append(votes)
    return tables[1][tables[0].argmax(axis=0), np.arange(10)].sum() / NUM_TEST


def plain_udr(codes, correlation):
    codes = [preprocessing.StandardScaler().fit_transform(c) for c in codes]
    scores = np.zeros((len(codes),) * 2)
    for i, first in enumerate(codes):
        for j, second in enumerate(codes):
            if i == j:
                continue
            if correlation == "lasso":
                matrix = np.abs(linear_model.Lasso(alpha=0.1).fit(first, second).coef_.T)
            else:
                matrix = np.abs([[stats.spearmanr(a, b).statistic for b in second.T] for a in first.T])
            lines = [np.nan_to_num(matrix.max(axis=k) ** 2 / matrix.sum(axis=k)).mean() for k in (0, 1)]
            scores[i, j] = np.mean(lines)
    return np.mean([np.median(np.delete(scores[:, j], j)) for j in range(len(codes))])


def plain_dci(codes, factors, codes_test, factors_test):
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    for j, y in enumerate(factors.T):
        model = ensemble.GradientBoostingClassifier(random_state=0).fit(codes, y)
        importance[:, j] = model.feature_importances_
    return dci.disentanglement(importance)


def measure(function):
    """(result, CPU seconds, wall seconds)."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def cases(options):
    """(name, ours, plain) of what is to be measured."""
    codes, factors, codes_test, factors_test = parts = split()
    generator = np.random.RandomState
    yield "MIG", lambda: mig.score(codes, factors)["discrete_mig"], lambda: plain_mig(codes, factors)
    yield (
        "mutual information 10 x 10",
        lambda: information(codes),
        lambda: plain_information(codes, bins(codes).T)[0].sum(),
    )
    yield "NMIG", lambda: nmig.score(codes, factors)["discrete_nmig"], lambda: plain_nmig(codes, factors)
    yield "SAP, discrete", lambda: sap_score.score(*parts)["SAP_score"], lambda: plain_sap(*parts)
    yield (
        "SAP, continuous",
        lambda: sap_score.score(*parts, continuous_factors=True)["SAP_score"],
        lambda: plain_sap_continuous(codes, factors),
    )
    yield (
        "modularity, explicitness",
        lambda: modularity_explicitness.score(*parts)["explicitness_score_test"],
        lambda: plain_explicitness(*parts),
    )
    yield "IRS", lambda: irs.score(codes, factors)["IRS"], lambda: plain_irs(codes, factors)
    yield (
        "unsupervised",
        lambda: unsupervised_metrics.score(codes)["gaussian_wasserstein_correlation"],
        lambda: plain_unsupervised(codes),
    )
    yield (
        "beta-VAE",
        lambda: beta_vae.compute_beta_vae_sklearn(Factors(), encode, generator(0))["eval_accuracy"],
        plain_beta_vae,
    )
    yield (
        "FactorVAE",
        lambda: factor_vae.compute_factor_vae(Factors(), encode, generator(0))["eval_accuracy"],
        plain_factor_vae,
    )
    for num in options.udr_models:
        representations, kl = models(num)
        for correlation in ("lasso", "spearman"):
            yield (
                f"UDR {correlation}, {num} models",
                lambda c=correlation, r=representations, k=kl: udr.score(r, k, c)["model_scores"].mean(),
                (lambda c=correlation, r=representations: plain_udr(r, c)) if num <= 20 else None,
            )
    for backend in options.trees:
        plain = functools.partial(plain_dci, *parts) if backend == "sklearn" else None
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
