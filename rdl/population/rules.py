"""Exploit and explore: from the scored members of one generation to the members of the next.

Pure functions of records and seeds. Each rule says of every member that has a place in the next generation whose
weights it goes on with, and with which hyperparameters.
"""

import math
from collections.abc import Callable, Sequence

from rdl.errors import UserError
from rdl.population.evolution import ranked
from rdl.population.member import Member
from rdl.population.search_space import SearchSpace
from rdl.seeds import derive, generator

RULES = ("truncation", "frequencies", "halving", "none")

_Place = tuple[int | str, ...]
_Clone = Callable[[Member, Sequence[Member]], Member]
"""(member, the best) -> what takes its place: the state of a random one of the best, its hyperparameters perturbed."""


def next_generation(
    members: Sequence[Member],
    space: SearchSpace,
    place: _Place,
    rule: str = "truncation",
    fraction: float = 0.2,
    size: int | None = None,
    periods: Sequence[int] = (1, 2),
) -> list[Member]:
    """Exploit, then explore, by one of the rules:

    - ``truncation`` (Jaderberg et al., arXiv 1711.09846): each of the worst ``ceil(fraction * size)`` members starts
      anew from a random one of the best ``ceil(fraction * size)``: with its state, and its hyperparameters perturbed.
      A failed member is among the worst whatever their number. All others go on as they are.
    - ``frequencies`` (Doulazmi et al., arXiv 2506.03225): `_frequencies`.
    - ``halving`` (Jamieson and Talwalkar, arXiv 1502.07943): the worst ``floor(fraction * members)`` are given up, the
      others go on as they are; half of them for a fraction of 0.5.
    - ``none``, a random search: everyone goes on as it is. Of these two a failed member is given up.

    Args:
      members: one generation, trained.
      space: perturbs hyperparameters.
      place: run seed, stage, ..: where seeds derive from.
      rule: one of `RULES`.
      fraction: see there.
      size: keep only the best so many members (a supervised population may start larger); None keeps all. Halving
        has its own numbers.
      periods: of ``frequencies``.

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

    def clone(member: Member, best: Sequence[Member]) -> Member:
        random = generator(*place, generation, member.index, "explore")
        parent = best[int(random.integers(len(best)))]
        return _child(member, parent, space.perturb(parent.hyperparameters, random), place)

    if rule in ("none", "halving"):
        kept = order[: staying(len(members), fraction) if rule == "halving" else size]
        following = {member.index: _as_it_is(member, place) for member in kept}
    else:
        failed = [member for member in members if member.score is None]
        survivors = (order + failed)[:size]  # best first, failed last
        if rule == "truncation":
            following = _truncation(survivors, fraction, clone, place)
        else:
            following = _frequencies(survivors, fraction, periods, clone, place)
    return [following[index] for index in sorted(following)]


def staying(members: int, fraction: float) -> int:
    """How many of so many members successive halving trains on."""
    return max(1, members - math.floor(fraction * members))


def _truncation(survivors: list[Member], fraction: float, clone: _Clone, place: _Place) -> dict[int, Member]:
    """The members that take the survivors' places, by index; survivors come best first, failed ones last."""
    replaced = min(math.ceil(fraction * len(survivors)), len(survivors) - 1)
    living = [member for member in survivors if member.score is not None]
    number_failed = len(survivors) - len(living)
    losers = survivors[len(survivors) - max(replaced, number_failed) :]
    losing = {member.index for member in losers}
    best = [member for member in living[: max(replaced, 1)] if member.index not in losing] or living[:1]
    return {
        member.index: clone(member, best) if member.index in losing else _as_it_is(member, place)
        for member in survivors
    }


def _frequencies(
    survivors: list[Member], fraction: float, periods: Sequence[int], clone: _Clone, place: _Place
) -> dict[int, Member]:
    """Population based training at several frequencies (MF-PBT): the members that take the survivors' places, by index.

    The population is dealt into sub-populations, one for each period; each evolves only in generations that its period
    divides, so that a slow one judges by what long training brings. Where it evolves, of its n members the best
    ``floor(fraction * n)`` are its winners, the last as many become clones of winners, perturbed, and as many above
    those are open to migration: the i-th of them takes the weights of the i-th best member of all other
    sub-populations if that one scores higher. A migrant from a slower sub-population brings its hyperparameters
    along, one from a faster goes on with those of the best member here: what is good for a short while does not
    spread. All others go on as they are.

    The paper fixes a fraction of a quarter, and says nothing of members that fail: one that did becomes a clone of a
    winner of its sub-population, in every generation; where all of it failed, of the best of all.
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
        others = [member for member in ranked(survivors) if dealt[member.index] != number]
        for member in group:
            failed = member.score is None
            following[member.index] = (
                clone(member, winners) if failed or member.index in lost else _as_it_is(member, place)
            )
        for member, migrant in zip(open_to, others, strict=False):
            if (migrant.score or 0.0) > (member.score or 0.0):
                faster = periods[dealt[migrant.index]] < period
                brought = winners[0] if faster else migrant
                following[member.index] = _child(member, migrant, brought.hyperparameters, place)
    return following


def _as_it_is(member: Member, place: _Place) -> Member:
    return _child(member, member, member.hyperparameters, place)


def _child(member: Member, parent: Member, hyperparameters: dict[str, float], place: _Place) -> Member:
    """Takes the member's place in the next generation, and starts from the parent's state."""
    generation = member.generation + 1
    return Member(
        index=member.index,
        generation=generation,
        parent=parent.index,
        hyperparameters=hyperparameters,
        seed=derive(*place, generation, member.index),
    )
