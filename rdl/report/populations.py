"""A population's search: every member's score and hyperparameters against generation, who won, who failed."""

from collections.abc import Sequence

import numpy as np

from rdl.population import Member
from rdl.report import figures
from rdl.report.gallery import Gallery
from rdl.report.markup import Markup, fold, table, tag


def ancestry(generations: Sequence[Sequence[Member]], member: Member) -> list[tuple[int, int]]:
    """(generation, index) of a member and of all it comes from, oldest first."""
    by_place = {(m.generation, m.index): m for members in generations for m in members}
    line = [(member.generation, member.index)]
    while member.parent is not None and (parent := by_place.get((member.generation - 1, member.parent))):
        member = parent
        line.append((member.generation, member.index))
    return line[::-1]


def score_name(member: Member) -> str:
    """What the population maximised, as far as its records tell."""
    if "pairwise_udr" in member.details:
        if "udr_by_chance" in member.details:
            return "chance-corrected UDR"
        return "latents found again" if "udr" in member.details else "UDR"
    return "leaf MIG" if "leaf_mig" in member.details else "score"


def population(
    stage: str, generations: list[list[Member]], best: Member | None, gallery: Gallery, open_: bool
) -> Markup:
    """Everything about one stage's search, folded unless ``open_``; generations as they were finished.

    ``best`` is the member that the stage handed over, or its best so far; None where all have failed.
    """
    line = ancestry(generations, best) if best else []
    members = [member for generation in generations for member in generation]
    failed = [member for member in members if member.score is None]
    name, file = (score_name(best) if best else "score"), stage.replace("/", "_") or "population"
    drawings = [
        gallery.drawing(
            f"{file}_lineage",
            figures.lineage(generations, line, name),
            f"{name} of every member of {stage} against generation",
            "Score of every member, with lines from parent to child.",
        ),
        gallery.drawing(
            f"{file}_hyperparameters",
            figures.hyperparameters(generations, line),
            f"hyperparameters of every member of {stage} against generation",
            "Hyperparameters, darker where the score is better; the orange line is the best member's ancestry.",
        ),
    ]
    pairs = np.array(best.details["pairwise_udr"]) if best is not None and "pairwise_udr" in best.details else None
    if pairs is not None and len(pairs) > 2:
        np.fill_diagonal(pairs, np.nan)  # no VAE is compared with itself
        models = [str(i) for i in range(len(pairs))]
        drawings.append(
            gallery.drawing(
                f"{file}_udr",
                figures.heatmap(pairs, models, models, "UDR of the pair", "VAE", "VAE"),
                "pairwise UDR of the best member's VAEs",
                "How alike the latents of the best member's VAEs are, pair by pair.",
            )
        )
    score = f", best {name} {best.describe_score}" if best else ""
    last = len(generations[-1])
    count = f"{len(generations)} generation{'s' * (len(generations) > 1)} of {last} member{'s' * (last > 1)}"
    return fold(
        [tag("b", stage), f" {count}{score}{f', {len(failed)} failed' if failed else ''}"],
        tag("div", drawings, class_="drawings"),
        _best(best, pairs) if best else None,
        _failed(failed) if failed else None,
        open_=open_,
        class_="population",
    )


def _best(best: Member, pairs: np.ndarray | None) -> Markup:
    values = ", ".join(f"{name} {value:.4g}" for name, value in sorted(best.hyperparameters.items()))
    place = f"number {best.index} in generation {best.generation}"
    alike = ""
    if pairs is not None and pairs.shape == (2, 2):  # one pair: a number, not a table
        alike = f" Its two VAEs are alike to a UDR of {(pairs[0, 1] + pairs[1, 0]) / 2:.3f}."
    return tag("p", f"Best member: {place}, {score_name(best)} {best.describe_score}, with {values}.{alike}")


def _failed(failed: Sequence[Member]) -> Markup:
    rows = [[member.name, member.reason] for member in failed]
    return fold(f"{len(failed)} failed members and why", table(["member", "reason"], rows))
