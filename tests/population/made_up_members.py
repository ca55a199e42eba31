"""Members with given scores."""

import dataclasses

from fake_task import SPACE

from rdl.population import Member
from rdl.population.evolution import draw_first_generation

PLACE = (0, "x_run")


def trained(scores: list[float | None], generation: int = 0) -> list[Member]:
    """Members of one generation with these scores; None stands for a failed member."""
    members = [dataclasses.replace(m, generation=generation) for m in draw_first_generation(len(scores), SPACE, PLACE)]
    return [
        member.with_failure("diverged") if score is None else member.with_score(score, "checksum")
        for member, score in zip(members, scores, strict=True)
    ]
