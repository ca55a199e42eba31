"""The first generation of a population, the ranking of members, and the convergence of the search.

All functions are pure functions of members' records. `rdl.population.rules` makes one generation from another.
"""

from collections.abc import Sequence

from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.seeds import derive, generator


def draw_first_generation(size: int, space: SearchSpace, place: tuple[int | str, ...]) -> list[Member]:
    """Draws members with random hyperparameters.

    Args:
      size: number of members.
      space: the search space.
      place: run seed, stage and further parts, from which the members' seeds are derived.
    """
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


def rank_members(members: Sequence[Member]) -> list[Member]:
    """Scored members, best first. Ties go to the lower index."""
    scored = [member for member in members if member.score is not None]
    return sorted(scored, key=lambda member: (-member.score, member.index))  # type: ignore[operator]


def select_best(generations: Sequence[Sequence[Member]], best_of: str = "all") -> Member:
    """The best member of ``all`` generations or of the ``last`` one.

    Ties go to the earlier generation, then to the lower index. Every generation must have a scored member. The choice
    depends only on records, so a resumed run keeps the same checkpoints as an uninterrupted one.
    """
    candidates = generations if best_of == "all" else generations[-1:]
    return max((rank_members(members)[0] for members in candidates), key=lambda member: member.score or 0.0)


def find_founder(generations: Sequence[Sequence[Member]], member: Member) -> int:
    """Index of the member's ancestor in the first generation."""
    index = member.index
    for number in range(member.generation, 0, -1):
        parents = {trained.index: trained.parent for trained in generations[number]}
        index = index if (parent := parents[index]) is None else parent
    return index


def has_converged(best_scores: Sequence[float], window: int = 6, tolerance: float = 0.005) -> bool:
    """Whether the last ``window`` changes of the best score are all smaller than the tolerance."""
    if len(best_scores) <= window:
        return False
    recent = best_scores[-window - 1 :]
    return all(abs(after - before) < tolerance for before, after in zip(recent, recent[1:], strict=False))
