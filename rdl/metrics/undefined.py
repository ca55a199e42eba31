"""Scores that have no meaning with a single factor or a single latent, where they would be perfect by construction."""

from collections.abc import Mapping
from typing import Any

import numpy as np

COMPARE_FACTORS = (
    "disentanglement", "modularity_score", "mig_sup", "discrete_nmig", "dci_es_disentanglement", "infom",
    "train_accuracy", "eval_accuracy",
)  # fmt: skip
"""Result keys that compare factors: the importances, information or votes of a lone factor are all its own."""
COMPARE_LATENTS = ("completeness", "dci_es_completeness", "infoc")
"""Result keys that compare latents."""


def leave_out_undefined(results: Mapping[str, Any], num_factors: int, num_latents: int | None = None) -> dict[str, Any]:
    """The results without scores that are not defined, whose names and reasons stand under the key `undefined`.

    Args:
      results: of one metric, or of several without a common key.
      num_factors: number of factors that vary.
      num_latents: of the representation; None leaves the scores that compare latents as they are.
    """
    reasons = {}
    if num_factors == 1:
        reasons |= dict.fromkeys(COMPARE_FACTORS, "they compare factors, and one factor varies")
    if num_latents == 1:
        reasons |= dict.fromkeys(COMPARE_LATENTS, "they compare latents, and there is one")
    kept, removed = {}, {}
    for key, value in results.items():
        reason = reasons.get(key.split(".")[0])
        if reason is None and isinstance(value, float) and np.isnan(value):
            reason = "they are 0 / 0 on these points"
        if reason is None:
            kept[key] = value
        else:
            removed.setdefault(reason, []).append(key)
    if removed:
        parts = [f"{', '.join(keys)}: {reason}" for reason, keys in removed.items()]
        kept["undefined"] = "; ".join([*([kept["undefined"]] if "undefined" in kept else []), *parts])
    return kept
