"""The search of one population: scores, hyperparameters, the best member and the failed ones."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from rdl.population import Member
from rdl.report import figures
from rdl.report.figure_writer import FigureWriter
from rdl.report.rendering import render

DIMENSION_WISE_KL_NOTE = (
    "dimension_wise_kl may be negative although the KL is not: it is estimated from a minibatch, which underestimates "
    "log q(z_k) of narrow posteriors and overestimates the total correlation by about as much."
)
_LABEL_SCORES = {"leaf_mig": "leaf MIG", "label_mig": "label MIG"}  # detail of a member's record -> the score
_NEAR = 0.05  # share of the best score within which scores count as about as good


def find_ancestors(generations: Sequence[Sequence[Member]], member: Member) -> list[tuple[int, int]]:
    """(generation, index) of a member and all its ancestors, oldest first."""
    by_place = {(m.generation, m.index): m for members in generations for m in members}
    line = [(member.generation, member.index)]
    while member.parent is not None and (parent := by_place.get((member.generation - 1, member.parent))):
        member = parent
        line.append((member.generation, member.index))
    return line[::-1]


def name_score(member: Member | None) -> str:
    """The score that a population maximises, as far as a member's record shows it."""
    details = {} if member is None else member.details
    if "pairwise_udr" in details:
        if "udr_by_chance" in details:
            return "chance-corrected UDR"
        return "replicated latents" if "udr" in details else "UDR"
    return next((name for key, name in _LABEL_SCORES.items() if key in details), "score")


def render_population(
    stage: str, generations: list[list[Member]], best: Member | None, writer: FigureWriter, open_: bool
) -> Markup:
    """The search of one stage, folded unless ``open_``.

    Args:
      stage: its name.
      generations: trained members of each generation.
      best: the selected member, or the best so far; None if all have failed.
      writer: of the figures.
      open_: whether the reader sees it without a click.
    """
    members = [member for generation in generations for member in generation]
    failed = [[member.name, member.reason] for member in members if member.score is None]
    last = len(generations[-1])
    title = f"{len(generations)} generation{'s' * (len(generations) > 1)} of {last} member{'s' * (last > 1)}"
    title += f", best {name_score(best)} {best.describe_score}" if best else ""
    title += f", {len(failed)} failed" if failed else ""
    values = {"stage": stage, "title": title, "open": open_, "best": best, "failed": failed}
    values["drawings"] = _draw_search(stage, generations, best, writer)
    if best is not None:
        terms = best.details.get("terms", {})
        values |= {
            "score": name_score(best),
            "hyperparameters": ", ".join(f"{key} {value:.4g}" for key, value in sorted(best.hyperparameters.items())),
            "agreement": _describe_agreement(best),
            "beta_choice": _describe_beta_choice(members, best),
            "terms": ", ".join(f"{key} {value:.4g}" for key, value in terms.items()),
            "terms_note": DIMENSION_WISE_KL_NOTE if "dimension_wise_kl" in terms else "",
        }
    return render("population.html", **values)


def _draw_search(
    stage: str, generations: list[list[Member]], best: Member | None, writer: FigureWriter
) -> list[Markup]:
    line = find_ancestors(generations, best) if best else []
    score, file = name_score(best), stage.replace("/", "_") or "population"
    drawings = [
        writer.write_figure(
            f"{file}_lineage",
            figures.draw_lineage(generations, line, score),
            f"{score} of every member of {stage} by generation",
            "Score of every member, with lines from parents to children.",
        ),
        writer.write_figure(
            f"{file}_hyperparameters",
            figures.draw_hyperparameters(generations, line),
            f"hyperparameters of every member of {stage} by generation",
            "Hyperparameters; better scores are darker, and the orange line shows the ancestors of the best member.",
        ),
    ]
    pairs = _pairwise_udr(best)
    if pairs is not None and len(pairs) > 2:
        np.fill_diagonal(pairs, np.nan)  # no VAE is compared with itself
        models = [str(i) for i in range(len(pairs))]
        drawings.append(
            writer.write_figure(
                f"{file}_udr",
                figures.draw_heatmap(pairs, models, models, "UDR of the pair", "VAE", "VAE"),
                "pairwise UDR of the best member's VAEs",
                "Agreement of the latents of the best member's VAEs, pair by pair.",
            )
        )
    return drawings


def _pairwise_udr(best: Member | None) -> np.ndarray | None:
    return np.array(best.details["pairwise_udr"]) if best is not None and "pairwise_udr" in best.details else None


def _describe_agreement(best: Member) -> str:
    pairs = _pairwise_udr(best)
    if pairs is None or pairs.shape != (2, 2):
        return ""
    return f"Its two VAEs agree to a UDR of {(pairs[0, 1] + pairs[1, 0]) / 2:.3f}."


def _describe_beta_choice(members: Sequence[Member], best: Member) -> str:
    """The range of beta among members that score about as well as the best, which shows how sharp the choice is."""
    if best.score is None or len({member.hyperparameters.get("beta") for member in members}) < 2:
        return ""
    least = best.score - _NEAR * abs(best.score)
    scored = [member for member in members if member.score is not None]
    near = [member.hyperparameters["beta"] for member in scored if (member.score or 0.0) >= least]
    return (
        f"The search selected beta {best.hyperparameters['beta']:.4g}; the {len(near)} of {len(scored)} members within "
        f"{_NEAR:.0%} of its score have beta {min(near):.4g} to {max(near):.4g}."
    )
