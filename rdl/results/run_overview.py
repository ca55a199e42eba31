"""Answers about a finished run: its latents in the order of their KL, and how sharply the search chose beta."""

from dataclasses import asdict

import pandas as pd

from rdl.population import Member
from rdl.runs import RunReader
from rdl.runs.keys import RANDOM_MEMBERS, MemberKey
from rdl.verdict import Verdict

_STRENGTHS = ("beta", "gamma", "lambda_od", "c_max")
_CLOSE = 0.05  # of the best score


def tabulate_latents(verdict: Verdict) -> pd.DataFrame:
    """The verdict as a table.

    Returns:
      A row per latent in descending order of KL, indexed by ``latent``, with the columns ``status``, ``kl`` (nats),
      ``replication`` (stability over independently trained models, missing where there are none), ``explained``,
      ``discreteness``, ``dependence``, ``entangled_with`` and ``repeats``, as in `rdl.verdict.LatentVerdict`.
    """
    rows = [asdict(latent) | {"status": str(latent.status)} for latent in verdict.latents]
    columns = [
        "latent", "status", "kl", "replication", "explained", "discreteness", "dependence", "entangled_with", "repeats",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype({"replication": float, "explained": float, "entangled_with": "Int64", "repeats": "Int64"})
    return table.sort_values("kl", ascending=False, kind="stable").set_index("latent")


def summarize_beta(reader: RunReader) -> str:
    """One sentence on the regularisation strength: what the search found, and how sharp its choice was.

    Compares all scored members of the final (or only) stage; strengths count as equally good whose score is within 5 %
    of the best.

    Raises:
      UserError: a damaged record of a member.
    """
    found = reader.of_kind(MemberKey)
    stages = [key.stage for key in found if key.stage != RANDOM_MEMBERS]
    stage = "final" if "final" in stages else stages[-1] if stages else ""
    members = [Member.from_record(record) for key, record in found.items() if key.stage == stage]
    scored = {member.name: member for member in members if member.score is not None}
    name = next((name for name in _STRENGTHS if any(name in one.hyperparameters for one in scored.values())), None)
    if name is None:
        return "The run has no scored member with a regularisation strength, so there is no choice to report."
    scores = {(member.score or 0.0, member.hyperparameters[name]) for member in scored.values()}
    best, chosen = max(scores)
    close = [strength for score, strength in scores if score >= best - _CLOSE * abs(best)]
    searched = [strength for _, strength in scores]
    if min(searched) == max(searched):
        return f"The run trained with {name} {chosen:.3g} only: nothing was searched."
    return (
        f"The search found {name} {chosen:.3g} (score {best:.3f}); members within 5 % of that score have {name} "
        f"{min(close):.3g} to {max(close):.3g}, of {min(searched):.3g} to {max(searched):.3g} searched."
    )
