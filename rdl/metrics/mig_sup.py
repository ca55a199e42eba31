"""MIG-sup: how well single factors explain single latents (Li et al., ICLR 2020, arXiv 2002.10549).

MIG asks of every factor whether one latent alone knows it; MIG-sup asks of every latent whether it knows one factor
alone. A factor spread over two latents lowers MIG, two factors in one latent lower MIG-sup. `score` takes binned
posterior means and stands beside disentanglement_lib's MIG.
"""

from typing import Any

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.errors import UserError
from third_party.disentanglement_lib.evaluation.metrics import utils, validation

ACTIVE_VARIANCE = 0.01  # of a latent's posterior mean over the data; the paper's


@gin.configurable("mig_sup")
def score(
    codes: np.ndarray, factors: np.ndarray, num_bins: Bins = 20, active_variance: float = ACTIVE_VARIANCE
) -> dict[str, Any]:
    """MIG-sup of codes.

    For every active latent j: (I(z_j; v_a) - I(z_j; v_b)), both divided by H(v), a and b the factors of which it
    knows most and second most; mean over the active latents.

    Args:
      codes: posterior means, [n, latents].
      factors: [n, factors]; those of one value are left out.
      num_bins: equal-width bins per latent.
      active_variance: a latent whose variance is not above it is dead and does not count.

    Returns:
      `mig_sup`, 0 where all latents are dead; `active`, how many are not; `per_latent`, the gaps of these, by latent.

    Raises:
      UserError: no factor with two values or more.
      ValueError: codes or factors that are no tables of finite numbers.
    """
    codes = validation.check_codes(codes)
    columns = validation.check_factors(factors, len(codes)).T
    columns = varying(columns)
    bins = utils.make_discretizer(codes.T, num_bins, None)  # equal widths, whatever other metrics are set to
    information = utils.discrete_mutual_info(bins, columns) / utils.discrete_entropy(columns)
    active = np.flatnonzero(codes.var(axis=0) > active_variance)
    found = gaps(information[active])
    return {
        "mig_sup": float(found.mean()) if len(active) else 0.0,
        "active": len(active),
        "per_latent": {int(latent): float(gap) for latent, gap in zip(active, found, strict=True)},
    }


def varying(columns: np.ndarray) -> np.ndarray:
    """The factors [factors, n] that have two values or more; a constant one tells nothing of any latent."""
    kept = columns[[len(np.unique(column)) > 1 for column in columns]]
    if not len(kept):
        raise UserError("MIG-sup needs a factor with at least two values in the data: all are constant.")
    return kept


def gaps(normalized: np.ndarray) -> np.ndarray:
    """Best minus second-best column of each row, [rows]; a lone column is compared with nothing (0)."""
    if normalized.shape[1] == 1:
        return normalized[:, 0]
    ordered = np.sort(normalized, axis=1)
    return ordered[:, -1] - ordered[:, -2]
