"""The first generation of a population, who is the best of it, and when it has converged: functions of records alone.

How one generation follows another: `rdl.population.rules`.
"""

from collections.abc import Sequence

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


def selected(generations: Sequence[Sequence[Member]], best_of: str = "all") -> Member:
    """The best member of ``all`` generations or of the ``last``; ties go to the earlier one, then the lower index.

    A pure function of records, so that a run that goes on knows what it kept. Each generation has a scored member.
    """
    asked = generations if best_of == "all" else generations[-1:]
    return max((ranked(members)[0] for members in asked), key=lambda member: member.score or 0.0)


def founder(generations: Sequence[Sequence[Member]], member: Member) -> int:
    """The index of the first generation's member from which a member comes."""
    index = member.index
    for number in range(member.generation, 0, -1):
        parents = {trained.index: trained.parent for trained in generations[number]}
        index = index if (parent := parents[index]) is None else parent
    return index


def converged(best_scores: Sequence[float], window: int = 6, tolerance: float = 0.005) -> bool:
    """Whether the last ``window`` changes of the best score are all under the tolerance."""
    if len(best_scores) <= window:
        return False
    recent = best_scores[-window - 1 :]
    return all(abs(after - before) < tolerance for before, after in zip(recent, recent[1:], strict=False))
