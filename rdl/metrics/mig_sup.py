"""MIG-sup: how well single factors explain single latents (Li et al., ICLR 2020, arXiv 2002.10549).

MIG asks for every factor whether a single latent encodes it; MIG-sup asks for every latent whether it encodes a single
factor. A factor spread over two latents lowers MIG; two factors in one latent lower MIG-sup.
`compute_mig_sup` takes binned posterior means, as disentanglement_lib's MIG does.
"""

from typing import Any

import gin
import numpy as np

from rdl.config.ranges import Bins
from rdl.errors import UserError
from third_party.disentanglement_lib.evaluation.metrics import utils, validation

ACTIVE_VARIANCE = 0.01
"""The paper's threshold on the variance of a latent's posterior mean over the data."""


@gin.configurable("mig_sup", denylist=["continuous_factors"])
def compute_mig_sup(
    codes: np.ndarray,
    factors: np.ndarray,
    num_bins: Bins = 20,
    active_variance: float = ACTIVE_VARIANCE,
    continuous_factors: bool | np.ndarray = False,
) -> dict[str, Any]:
    """MIG-sup of codes.

    For every active latent j: (I(z_j; v_a) - I(z_j; v_b)), both divided by H(v), where a and b are the factors with the
    largest and the second-largest normalised information on z_j; then the mean over the active latents.

    Args:
      codes: posterior means, [n, latents].
      factors: [n, factors]; constant factors are left out.
      num_bins: equal-width bins per latent, and equal-count bins per continuous factor.
      active_variance: latents whose variance is at most this are inactive and do not count.
      continuous_factors: a bool, or one for each factor.

    Returns:
      `mig_sup`, 0 if no latent is active; `active`, the number of active latents; `per_latent`, their gaps by latent.

    Raises:
      UserError: no factor with two values or more.
      ValueError: codes or factors that are not tables of finite numbers.
    """
    codes = validation.check_codes(codes)
    columns = validation.check_factors(factors, len(codes)).T
    columns = select_varying(utils.bin_continuous(columns, continuous_factors, num_bins))
    # None as the discretizer: equal widths, independent of gin's settings for other metrics.
    bins = utils.make_discretizer(codes.T, num_bins, None)
    information = utils.discrete_mutual_info(bins, columns) / utils.discrete_entropy(columns)
    active = np.flatnonzero(codes.var(axis=0) > active_variance)
    differences = gaps(information[active])
    return {
        "mig_sup": float(differences.mean()) if len(active) else 0.0,
        "active": len(active),
        "per_latent": {int(latent): float(gap) for latent, gap in zip(active, differences, strict=True)},
    }


def select_varying(columns: np.ndarray) -> np.ndarray:
    """The factors [factors, n] with two values or more; a constant factor has no information on any latent.

    Raises:
      UserError: all factors are constant.
    """
    kept = columns[[len(np.unique(column)) > 1 for column in columns]]
    if not len(kept):
        raise UserError("MIG-sup needs a factor with at least two values in the data: all are constant.")
    return kept


def gaps(normalized: np.ndarray) -> np.ndarray:
    """Largest minus second-largest column of each row, [rows]; the second is 0 if there is one column."""
    if normalized.shape[1] == 1:
        return normalized[:, 0]
    ordered = np.sort(normalized, axis=1)
    return ordered[:, -1] - ordered[:, -2]
