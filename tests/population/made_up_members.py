"""Members with made-up scores."""

import dataclasses

from fake_task import SPACE

from rdl.population import Member
from rdl.population.evolution import first_generation

PLACE = (0, "x_run")


def trained(scores: list[float | None], generation: int = 0) -> list[Member]:
    """Members with these scores; None: failed."""
    members = [dataclasses.replace(m, generation=generation) for m in first_generation(len(scores), SPACE, PLACE)]
    return [
        member.failed("diverged") if score is None else member.scored(score, "checksum")
        for member, score in zip(members, scores, strict=True)
    ]
