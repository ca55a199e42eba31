"""Direct implementations of every metric with scikit-learn and scipy, which `metrics.py` compares with rdl's.

They loop over pairs of latents and factors, batches, and pairs of models. The data has the factors of dSprites.
"""

import numpy as np
import scipy
from scipy import stats
from sklearn import ensemble, linear_model, metrics, preprocessing, svm

from third_party.disentanglement_lib.evaluation.metrics import dci as dci_scores

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
    """Ten smooth mixtures of the factors, none of which is constant."""
    return np.sin(factors / np.array(SIZES) @ WEIGHTS * 2).astype(np.float32)


def mutual_information(codes, factors):
    bins = [np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T]
    information = np.array([[metrics.mutual_info_score(y, b) for y in factors.T] for b in bins])
    return information, np.array([metrics.mutual_info_score(y, y) for y in factors.T])


def mig(codes, factors):
    information, entropy = mutual_information(codes, factors)
    ordered = np.sort(information, axis=0)
    return np.mean((ordered[-1] - ordered[-2]) / entropy)


def nmig(codes, factors):
    information, entropy = mutual_information(codes, factors)
    known = information / entropy
    best = known.argmax(axis=0)
    return np.mean([known[best[j], j] - np.delete(known[best[j]], j).max() for j in range(len(entropy))])


def sap(codes, factors, codes_test, factors_test):
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            model = svm.LinearSVC(C=0.01, class_weight="balanced", dual=True).fit(codes[:, [i]], factors[:, j])
            matrix[i, j] = np.mean(model.predict(codes_test[:, [i]]) == factors_test[:, j])
    ordered = np.sort(matrix, axis=0)
    return np.mean(ordered[-1] - ordered[-2])


def sap_continuous(codes, factors):
    matrix = [[np.corrcoef(c, y)[0, 1] ** 2 for y in factors.T] for c in codes.T]
    ordered = np.sort(matrix, axis=0)
    return np.mean(ordered[-1] - ordered[-2])


def explicitness(codes, factors, codes_test, factors_test):
    scaler = preprocessing.StandardScaler().fit(codes)
    areas = []
    for y, y_test in zip(factors.T, factors_test.T, strict=True):
        model = linear_model.LogisticRegression().fit(scaler.transform(codes), y)
        for inputs, labels in ((codes, y), (codes_test, y_test)):
            positive = preprocessing.label_binarize(labels, classes=model.classes_)
            areas.append(metrics.roc_auc_score(positive, model.predict_proba(scaler.transform(inputs))))
    mutual_information(codes, factors)
    return np.mean(areas[1::2])


def irs(codes, factors):
    deviation = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for j, y in enumerate(np.stack([np.digitize(f, np.histogram(f, 20)[1][:-1]) for f in factors.T])):
        groups = [codes[y == value] for value in np.unique(y)]
        matrix[:, j] = np.mean([np.percentile(np.abs(g - g.mean(axis=0)), 99, axis=0) for g in groups], axis=0)
    return np.average((1 - matrix / deviation[:, None]).max(axis=1), weights=deviation)


def unsupervised(codes):
    cov = np.cov(codes.T)
    root = scipy.linalg.sqrtm(cov * np.diag(cov)[:, None])
    information, _ = mutual_information(
        codes, np.stack([np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T], 1)
    )
    np.fill_diagonal(information, 0)
    return 2 * np.trace(cov) - 2 * np.trace(root).real


def beta_vae():
    data, generator = Factors(), np.random.RandomState(0)
    points, labels = np.zeros((NUM_TRAIN + NUM_TEST, 10)), np.zeros(NUM_TRAIN + NUM_TEST, int)
    for i in range(len(points)):
        labels[i] = generator.randint(data.num_factors)
        first, second = data.sample_factors(BATCH, generator), data.sample_factors(BATCH, generator)
        second[:, labels[i]] = first[:, labels[i]]
        points[i] = np.mean(np.abs(encode(first) - encode(second)), axis=0)
    model = linear_model.LogisticRegression().fit(points[:NUM_TRAIN], labels[:NUM_TRAIN])
    return model.score(points[NUM_TRAIN:], labels[NUM_TRAIN:])


def factor_vae():
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


def udr(codes, correlation):
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


def dci(codes, factors, codes_test, factors_test):
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    for j, y in enumerate(factors.T):
        model = ensemble.GradientBoostingClassifier(random_state=0).fit(codes, y)
        importance[:, j] = model.feature_importances_
    return dci_scores.disentanglement(importance)
