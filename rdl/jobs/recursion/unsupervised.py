"""The unsupervised score of the x-run and of leaf runs, UDR."""

import gin

from rdl.data import ImageSet
from rdl.jobs.stage import population_settings
from rdl.scoring import UDRScore, check

MIN_UDR = 0.1
"""The reference's threshold: if the best member of a population scores less, nothing is left to learn."""


def scoped_udr(scope: str) -> UDRScore:
    """UDR with the settings of a gin scope, as in ``x_run/UDRScore.min_active``."""
    with gin.config_scope(scope):
        return UDRScore()


def check_udr(images: ImageSet) -> None:
    """Checks the UDR settings of the x-run and of leaf runs before training.

    Raises:
      UserError: UDR cannot score the members of these populations.
    """
    for scope in ("x_run", "leaf_run"):
        check(scoped_udr(scope), images, population_settings(scope).models)
