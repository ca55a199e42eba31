"""Exploit and explore: makes the members of the next generation from the scored members of one.

Pure functions of records and seeds. A rule assigns to each slot of the next generation a parent, whose weights and
optimiser state it starts from, and hyperparameters.
"""

import math
from collections.abc import Callable, Sequence

from rdl.errors import UserError
from rdl.population.evolution import rank_members
from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.seeds import derive, generator

RULES = ("truncation", "frequencies", "halving", "none")

_Place = tuple[int | str, ...]
_Clone = Callable[[Member, Sequence[Member]], Member]
"""(member, best members) -> the clone of a random best member that takes the member's slot, perturbed."""


def next_generation(
    members: Sequence[Member],
    space: SearchSpace,
    place: _Place,
    rule: str = "truncation",
    fraction: float = 0.2,
    size: int | None = None,
    periods: Sequence[int] = (1, 2),
) -> list[Member]:
    """Exploit, then explore, by one of four rules:

    - ``truncation`` (Jaderberg et al., arXiv 1711.09846): each of the worst ``ceil(fraction * size)`` members becomes a
      clone of a random one of the best ``ceil(fraction * size)`` members, with perturbed hyperparameters. Every failed
      member becomes a clone too. All other members train on unchanged.
    - ``frequencies`` (Doulazmi et al., arXiv 2506.03225): see `_frequencies`.
    - ``halving`` (Jamieson and Talwalkar, arXiv 1502.07943): the worst ``floor(fraction * members)`` members and all
      failed ones are dropped. All other members train on unchanged.
    - ``none``, random search: failed members are dropped. All other members train on unchanged.

    Args:
      members: the trained members of one generation.
      space: the search space, which perturbs hyperparameters.
      place: run seed, stage and further parts, from which the members' seeds are derived.
      rule: one of `RULES`.
      fraction: as described for each rule.
      size: number of best members to keep; None: all. ``halving`` ignores it.
      periods: periods of the sub-populations of ``frequencies``, in generations.

    Raises:
      UserError: every member failed.
    """
    generation = members[0].generation + 1
    order = rank_members(members)
    if not order:
        reasons = sorted({member.reason for member in members})
        raise UserError(
            f"All {len(members)} members of generation {generation - 1} failed ({reasons[0]}): "
            "lower learning_rate/Dimension.initial, or increase population.size."
        )

    def clone(member: Member, best: Sequence[Member]) -> Member:
        random = generator(*place, generation, member.index, "explore")
        parent = best[int(random.integers(len(best)))]
        return _child(member, parent, space.perturb(parent.hyperparameters, random), place)

    if rule in ("none", "halving"):
        kept = order[: count_survivors(len(members), fraction) if rule == "halving" else size]
        following = {member.index: _continue(member, place) for member in kept}
    else:
        failed = [member for member in members if member.score is None]
        survivors = (order + failed)[:size]  # best first, failed last
        if rule == "truncation":
            following = _truncation(survivors, fraction, clone, place)
        else:
            following = _frequencies(survivors, fraction, periods, clone, place)
    return [following[index] for index in sorted(following)]


def count_survivors(members: int, fraction: float) -> int:
    """Number of members that successive halving keeps."""
    return max(1, members - math.floor(fraction * members))


def _truncation(survivors: list[Member], fraction: float, clone: _Clone, place: _Place) -> dict[int, Member]:
    """The next member of each slot, by index. Survivors are sorted from best to worst, failed ones last."""
    replaced = min(math.ceil(fraction * len(survivors)), len(survivors) - 1)
    living = [member for member in survivors if member.score is not None]
    number_failed = len(survivors) - len(living)
    losers = survivors[len(survivors) - max(replaced, number_failed) :]
    losing = {member.index for member in losers}
    best = [member for member in living[: max(replaced, 1)] if member.index not in losing] or living[:1]
    return {
        member.index: clone(member, best) if member.index in losing else _continue(member, place)
        for member in survivors
    }


def _frequencies(
    survivors: list[Member], fraction: float, periods: Sequence[int], clone: _Clone, place: _Place
) -> dict[int, Member]:
    """Population based training at several frequencies (MF-PBT): the next member of each slot, by index.

    The population is divided into sub-populations, one per period. A sub-population evolves in the generations that
    its period divides, so a slow one compares members after longer training. When a sub-population of n members
    evolves:

    - the best ``floor(fraction * n)`` members are its winners;
    - the worst ``floor(fraction * n)`` become perturbed clones of winners;
    - the same number of members just above these are open to migration: the i-th of them takes the weights of the i-th
      best member of all other sub-populations, if that member scores higher. A migrant from a slower sub-population
      keeps its hyperparameters. A migrant from a faster one gets those of the best winner, so that hyperparameters that
      are good only for a short time do not spread.

    All other members train on unchanged. The paper fixes the fraction to a quarter and does not cover failed members.
    Here a failed member becomes a clone of a winner of its sub-population in every generation, or of the best member
    of all if its whole sub-population failed.
    """
    generation = survivors[0].generation + 1
    best_of_all = [survivors[0]]
    groups: list[list[Member]] = [[] for _ in periods]
    dealt = {index: i % len(periods) for i, index in enumerate(sorted(member.index for member in survivors))}
    for member in survivors:
        groups[dealt[member.index]].append(member)

    following = {}
    for number, (group, period) in enumerate(zip(groups, periods, strict=True)):
        living = [member for member in group if member.score is not None]
        count = max(1, math.floor(fraction * len(group)))
        winners = living[:count] or best_of_all
        evolves = generation % period == 0
        lost = {member.index for member in group[len(group) - count :]} if evolves else set()
        open_to = [member for member in living[count:] if member.index not in lost][-count:] if evolves else []
        others = [member for member in rank_members(survivors) if dealt[member.index] != number]
        for member in group:
            failed = member.score is None
            following[member.index] = (
                clone(member, winners) if failed or member.index in lost else _continue(member, place)
            )
        for member, migrant in zip(open_to, others, strict=False):
            if (migrant.score or 0.0) > (member.score or 0.0):
                faster = periods[dealt[migrant.index]] < period
                brought = winners[0] if faster else migrant
                following[member.index] = _child(member, migrant, brought.hyperparameters, place)
    return following


def _continue(member: Member, place: _Place) -> Member:
    return _child(member, member, member.hyperparameters, place)


def _child(member: Member, parent: Member, hyperparameters: dict[str, float], place: _Place) -> Member:
    """The member of the next generation in the given member's slot, which starts from the parent's state."""
    generation = member.generation + 1
    return Member(
        index=member.index,
        generation=generation,
        parent=parent.index,
        hyperparameters=hyperparameters,
        seed=derive(*place, generation, member.index),
    )
