"""Mutual information between latents, which sees a circle or a split factor that correlations do not see."""

import numpy as np

BINS = 10


def equal_count_bins(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Bin of each value, int64 [n]: bins of equally many points; ties are split by position.

    Args:
      values: [n].
      bins: number of bins.
    """
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return ranks * bins // max(1, len(values))


def mutual_information(first: np.ndarray, second: np.ndarray, bins: int = BINS) -> float:
    """Mutual information of two variables given as bins, in nats, corrected for its bias.

    The plug-in estimate less (K_ab - K_a - K_b + 1) / (2 n), where K counts the bins in use (Miller 1955), and at
    least 0.

    Args:
      first, second: bins, integers [n] in [0, bins).
      bins: number of bins of each.
    """
    joint = np.bincount(first * bins + second, minlength=bins * bins).reshape(bins, bins) / len(first)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    used = joint > 0
    nats = float((joint[used] * np.log(joint[used] / np.outer(rows, columns)[used])).sum())
    bias = (used.sum() - (rows > 0).sum() - (columns > 0).sum() + 1) / (2 * len(first))
    return max(0.0, nats - float(bias))


def pairwise_information(codes: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Mutual information of every pair of latents in nats, [latents, latents], with a diagonal of 0.

    Args:
      codes: posterior means, [n, latents].
      bins: of equally many points, for each latent.
    """
    binned = [equal_count_bins(column, bins) for column in codes.T]
    found = np.zeros((len(binned), len(binned)))
    for i in range(len(binned)):
        for j in range(i):
            found[i, j] = found[j, i] = mutual_information(binned[i], binned[j], bins)
    return found
