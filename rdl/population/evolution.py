"""Exploit and explore: from the scored members of one generation to the members of the next.

Pure functions of records and seeds (Jaderberg et al., arXiv 1711.09846, truncation selection).
"""

import math
from collections.abc import Sequence

from rdl.errors import UserError
from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.seeds import derive, generator


def first_generation(size: int, space: SearchSpace, place: tuple[int | str, ...]) -> list[Member]:
    """Members with random hyperparameters; ``place`` (run seed, stage, ..) is where their seeds derive from."""
    return [
        Member(
            index=index,
            generation=0,
            parent=None,
            hyperparameters=space.draw(generator(*place, 0, index, "draw")),
            seed=derive(*place, 0, index),
        )
        for index in range(size)
    ]


def ranked(members: Sequence[Member]) -> list[Member]:
    """Scored members, best first; failed ones have no score and are left out. Ties go to the lower index."""
    scored = [member for member in members if member.score is not None]
    return sorted(scored, key=lambda member: (-member.score, member.index))  # type: ignore[operator]


def handed_over(generations: Sequence[Sequence[Member]], best_of: str = "all") -> Member:
    """The best member of ``all`` generations or of the ``last``; ties go to the earlier one, then the lower index.

    A pure function of records, so that a run that goes on knows what it kept. Each generation has a scored member.
    """
    asked = generations if best_of == "all" else generations[-1:]
    return max((ranked(members)[0] for members in asked), key=lambda member: member.score or 0.0)


def next_generation(
    members: Sequence[Member],
    space: SearchSpace,
    place: tuple[int | str, ...],
    fraction: float = 0.2,
    size: int | None = None,
    exploit: bool = True,
) -> list[Member]:
    """Exploit, then explore.

    Each of the worst ``ceil(fraction * size)`` members starts anew from a random one of the best
    ``ceil(fraction * size)``: with its state, and its hyperparameters perturbed. A failed member is among the
    worst whatever their number. All others go on as they are.

    Args:
      members: one generation, trained.
      space: perturbs hyperparameters.
      place: run seed, stage, ..: where seeds derive from.
      fraction: of the population that is replaced.
      size: keep only the best so many members (a supervised population may start larger); None keeps all.
      exploit: False is a random search: no member is replaced, each trains on with what it began with, and a failed
        one is given up.

    Raises:
      UserError: every member failed.
    """
    generation = members[0].generation + 1
    order = ranked(members)
    if not order:
        reasons = sorted({member.reason for member in members})
        raise UserError(
            f"All {len(members)} members of generation {generation - 1} failed ({reasons[0]}): "
            "lower the learning rates of the search space, or enlarge the population."
        )
    if not exploit:
        return [_child(member, member, member.hyperparameters, place) for member in sorted(order[:size], key=_index)]
    failed = [member for member in members if member.score is None]
    survivors = (order + failed)[:size]  # best first, failed last
    replaced = min(math.ceil(fraction * len(survivors)), len(survivors) - 1)
    living = [member for member in survivors if member.score is not None]
    number_failed = len(survivors) - len(living)
    losers = survivors[len(survivors) - max(replaced, number_failed) :]
    losing = {member.index for member in losers}
    best = [member for member in living[: max(replaced, 1)] if member.index not in losing] or living[:1]

    following = []
    for member in sorted(survivors, key=_index):
        if member.index in losing:
            random = generator(*place, generation, member.index, "explore")
            parent = best[random.integers(len(best))]
            following.append(_child(member, parent, space.perturb(parent.hyperparameters, random), place))
        else:
            following.append(_child(member, member, member.hyperparameters, place))
    return following


def _child(member: Member, parent: Member, hyperparameters: dict[str, float], place: tuple[int | str, ...]) -> Member:
    """Takes the member's place in the next generation, and starts from the parent's state."""
    generation = member.generation + 1
    return Member(
        index=member.index,
        generation=generation,
        parent=parent.index,
        hyperparameters=hyperparameters,
        seed=derive(*place, generation, member.index),
    )


def founder(generations: Sequence[Sequence[Member]], member: Member) -> int:
    """The index of the first generation's member from which a member comes."""
    index = member.index
    for number in range(member.generation, 0, -1):
        parents = {trained.index: trained.parent for trained in generations[number]}
        index = index if (parent := parents[index]) is None else parent
    return index


def _index(member: Member) -> int:
    return member.index


def converged(best_scores: Sequence[float], window: int = 6, tolerance: float = 0.005) -> bool:
    """Whether the last ``window`` changes of the best score are all under the tolerance."""
    if len(best_scores) <= window:
        return False
    recent = best_scores[-window - 1 :]
    return all(abs(after - before) < tolerance for before, after in zip(recent, recent[1:], strict=False))
