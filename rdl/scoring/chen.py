"""MIG and MIG-sup by Chen's estimator, from samples of the posteriors (Chen et al., arXiv 1802.04942).

    H(z_j)       ~ -mean over samples of log 1/N sum_n q(z_j | x_n)                over all N images
    H(z_j | v_k) ~ the same among the images of each value of v_k, averaged over the values
    I(z_j; v_k)  = H(z_j) - H(z_j | v_k), divided by log(number of values of v_k)

The code of the pro-VLAE paper computes these numbers. They are not comparable with disentanglement_lib's, which bins
means.
"""

from collections.abc import Sequence

import gin
import numpy as np

from rdl.config.ranges import Points
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.metrics import mig_sup
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import generator

_LOG_2PI = float(np.log(2 * np.pi))
_BLOCK = 2**19  # densities computed at once; they fit into the processor's cache


def compute_chen_scores(
    means: np.ndarray,
    log_variances: np.ndarray,
    factors: np.ndarray,
    seed: int,
    num_samples: int = 10_000,
    active_variance: float = mig_sup.ACTIVE_VARIANCE,
) -> dict[str, float]:
    """Chen's MIG, and MIG-sup by the same mutual information.

    Args:
      means: posterior means of N images, [n, latents].
      log_variances: their log variances, [n, latents].
      factors: [n, factors]; constant factors are left out.
      seed: of the samples.
      num_samples: maximum number of samples for each entropy.
      active_variance: latents whose mean has at most this variance do not count in MIG-sup.

    Returns:
      `mig_chen`, `mig_sup_chen` (0 if no latent is active).

    Raises:
      UserError: no factor with two values or more.
    """
    random = generator(seed, "chen")
    noise = random.standard_normal(means.shape, dtype=np.float32)
    samples = means + noise * np.exp(0.5 * log_variances)
    columns = mig_sup.select_varying(np.asarray(factors).T)
    marginal = _entropies(samples, means, log_variances, num_samples, random)
    information = np.zeros((means.shape[1], len(columns)))
    for k, column in enumerate(columns):
        values, counts = np.unique(column, return_counts=True)
        conditional = np.zeros_like(marginal)
        for value, count in zip(values, counts, strict=True):
            rows = np.flatnonzero(column == value)
            entropies = _entropies(samples[rows], means[rows], log_variances[rows], num_samples, random)
            conditional += entropies * count / len(column)
        information[:, k] = (marginal - conditional) / np.log(len(values))
    information = np.maximum(information, 0.0)
    active = means.var(axis=0, ddof=1) > active_variance
    return {
        "mig_chen": float(mig_sup.gaps(information.T).mean()),
        "mig_sup_chen": float(mig_sup.gaps(information[active]).mean()) if active.any() else 0.0,
    }


def _entropies(samples, means, log_variances, num_samples, random) -> np.ndarray:
    """H(z_j) in nats of the mixture of these posteriors, [latents], from at most `num_samples` samples."""
    if len(samples) > num_samples:
        samples = samples[random.choice(len(samples), num_samples, replace=False)]
    return np.array([_entropy(*latent) for latent in zip(samples.T, means.T, log_variances.T, strict=True)])


def _entropy(samples: np.ndarray, means: np.ndarray, log_variances: np.ndarray) -> float:
    """-mean log 1/N sum_n N(z; mean_n, variance_n) over samples [s], of one latent's posteriors [n]."""
    scales = (np.sqrt(0.5) * np.exp(-0.5 * log_variances)).astype(np.float32)
    constants = (-0.5 * (log_variances + _LOG_2PI)).astype(np.float32)
    shifted, total = (means * scales).astype(np.float32), 0.0
    rows = max(1, _BLOCK // len(means))
    for start in range(0, len(samples), rows):
        log_q = np.multiply.outer(samples[start : start + rows].astype(np.float32), scales)
        log_q -= shifted
        np.square(log_q, out=log_q)
        np.subtract(constants, log_q, out=log_q)
        largest = log_q.max(axis=1, keepdims=True)
        log_q -= largest
        np.exp(log_q, out=log_q)
        total += float(np.sum(np.log(log_q.sum(axis=1, dtype=np.float64)) + largest[:, 0]))
    return np.log(len(means)) - total / len(samples)


@gin.configurable
class ChenMeasurement:
    """`compute_chen_scores` of a member's posteriors on a data set with factors.

    As a score, the mean `mig_chen` of its models.

    Args:
      num_samples: maximum number of samples for each entropy.
      num_images: number of random images that represent the data set; None: all images. The cost is proportional to
        images times samples times latents.
      exclude: names of factors left out; the paper leaves ``shape`` out on dSprites.
    """

    def __init__(self, num_samples: Points = 10_000, num_images: Points | None = None, exclude: Sequence[str] = ()):
        self.num_samples, self.num_images, self.exclude = num_samples, num_images, tuple(exclude)

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """Measures every model; ``details["measured"]`` holds one dict per model.

        Raises:
          UserError: an unknown excluded factor, unknown factors, or a continuous factor that is not excluded.
        """
        if images.factor_space is None:
            raise UserError(f"MIG needs the true factors, which are not known for {images.name!r}.")
        names = images.factor_space.names
        unknown = sorted(set(self.exclude) - set(names))
        if unknown:
            raise UserError(f"ChenMeasurement.exclude names {unknown[0]!r}; the factors are {', '.join(names)}.")
        indices = images.labelled()
        if self.num_images is not None and self.num_images < len(indices):
            chosen = generator(seed, "chen", "images").permutation(len(indices))[: self.num_images]
            indices = np.sort(indices[chosen])
        kept = [column for column, name in enumerate(names) if name not in self.exclude]
        if continuous := [column for column in np.flatnonzero(find_continuous_columns(images)) if column in kept]:
            raise UserError(
                f"Chen's MIG needs the images of every value of a factor, and factor {names[continuous[0]]!r} is "
                "continuous: name it in ChenMeasurement.exclude."
            )
        factors = images.factors(indices)[:, kept]
        means, log_variances = encode(indices)
        posteriors = zip(means, log_variances, strict=True)
        measured = [compute_chen_scores(*posterior, factors, seed, self.num_samples) for posterior in posteriors]
        per_model = [scores["mig_chen"] for scores in measured]
        kl = mean_kl_to_prior(means, log_variances).tolist()
        return Scored(float(np.mean(per_model)), per_model, kl, {"measured": measured})
