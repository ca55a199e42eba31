"""Scores implemented from their papers by loops over pairs, values and points: slow, and without any code shared with
what they test.

Codes are [n, latents], factors whole numbers [n, factors].
"""

import itertools
import math
import statistics

import numpy as np


def information(first, second):
    """Mutual information in nats of two lists of values, by counting."""
    n = len(first)
    total = 0.0
    for a, b in itertools.product(set(first), set(second)):
        both = sum(x == a and y == b for x, y in zip(first, second, strict=True))
        if both:
            total += both / n * math.log(both * n / (first.count(a) * second.count(b)))
    return total


def bins(column, num=20):
    """The number of the equal-width bin of every value."""
    low, high = min(column), max(column)
    edges = np.linspace(low, high, num + 1).tolist()
    return [sum(value >= edge for edge in edges[:-1]) for value in column]


def informations(codes, factors):
    """Mutual information [latents][factors], with latents in 20 bins."""
    return [[information(bins(c), y) for y in factors.T.tolist()] for c in codes.T.tolist()]


def mig(codes, factors):
    """Chen et al., arXiv 1802.04942: the gap between each factor's two best latents over its entropy."""
    table = informations(codes, factors)
    gaps = []
    for j, factor in enumerate(factors.T.tolist()):
        second, first = sorted(row[j] for row in table)[-2:]
        gaps.append((first - second) / information(factor, factor))
    return statistics.mean(gaps)


def modularity(codes, factors):
    """Ridgeway and Mozer, arXiv 1802.05312: 1 minus the deviation of a latent from information on one factor only."""
    per_latent = []
    for row in informations(codes, factors):
        best = max(row)
        template = [best if known == best else 0.0 for known in row]
        distance = sum((known - ideal) ** 2 for known, ideal in zip(row, template, strict=True))
        per_latent.append(1 - distance / (best**2 * (len(row) - 1)))
    return statistics.mean(per_latent)


def irs(codes, factors, percent=99):
    """Suter et al., arXiv 1811.00007: stability of a latent while its best factor is fixed, weighted by deviation."""
    robust, reach = [], []
    for latent in codes.T:
        furthest = max(abs(latent - latent.mean()))
        by_factor = []
        for factor in factors.T:
            moves = []
            for value in set(factor.tolist()):
                held = latent[factor == value]
                moves.append(np.percentile(abs(held - held.mean()), percent))
            by_factor.append(1 - statistics.mean(moves) / furthest)
        robust.append(max(by_factor))
        reach.append(furthest)
    return sum(score * weight for score, weight in zip(robust, reach, strict=True)) / sum(reach)


def lasso(inputs, target, penalty):
    """Coordinate descent on residuals, one coefficient at a time, with scikit-learn's stopping rule."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(1000):
        before = weights.copy()
        for f, column in enumerate(inputs.T):
            rest = target - inputs @ weights + column * weights[f]
            weights[f] = np.sign(column @ rest) * max(abs(column @ rest) - penalty, 0) / (column @ column)
        change = np.abs(weights - before).max()
        if np.abs(weights).max() == 0 or change / np.abs(weights).max() < 1e-4:
            residual = target - inputs @ weights
            dual = np.abs(inputs.T @ residual).max()
            scale = min(1.0, penalty / dual)
            gap = 0.5 * (residual @ residual) * (1 + scale**2) + penalty * np.abs(weights).sum()
            if gap - scale * (residual @ target) < 1e-4 * (target @ target):
                break
    return weights


def ranks(column):
    """Ranks from 1; equal values share their mean rank."""
    order = sorted(column)
    return np.array([order.index(value) + (1 + order.count(value)) / 2 for value in column])


def likeness(source, target, correlation):
    """|coefficients| or |rank correlations| [latents, latents] of two standardised models [n, latents]."""
    found = np.zeros((source.shape[1], target.shape[1]))
    for a, b in itertools.product(range(source.shape[1]), range(target.shape[1])):
        if correlation == "lasso":
            found[a, b] = abs(lasso(source, target[:, b], 0.1 * len(source))[a])
        else:
            found[a, b] = abs(np.corrcoef(ranks(source[:, a].tolist()), ranks(target[:, b].tolist()))[0, 1])
    return found


def udr(models, kl, correlation, mode):
    """Duan et al., arXiv 1905.12614: median over the other models of the agreement of single latents: [models].

    Args:
      models: codes of each model, a list of [n, latents].
      kl: [models][latents]; those up to 0.01 do not count.
      correlation: "lasso" or "spearman".
      mode: "dlib" averages the two models' means, "fixed" all latents of both.
    """
    standard = [(codes - codes.mean(axis=0)) / codes.std(axis=0) for codes in models]
    scores = []
    for j, target in enumerate(standard):
        pairs = []
        for i, source in enumerate(standard):
            if i == j:
                continue
            rows = [a for a, value in enumerate(kl[i]) if value > 0.01]
            columns = [b for b, value in enumerate(kl[j]) if value > 0.01]
            live = likeness(source[:, rows], target[:, columns], correlation)
            of_targets = [column.max() ** 2 / column.sum() if column.sum() else 0.0 for column in live.T]
            of_sources = [row.max() ** 2 / row.sum() if row.sum() else 0.0 for row in live]
            if mode == "dlib":
                pairs.append((statistics.mean(of_targets) + statistics.mean(of_sources)) / 2)
            else:
                pairs.append(statistics.mean([*of_targets, *of_sources]))
        scores.append(statistics.median(pairs))
    return scores
