import math
from collections import Counter

import pytest
from fake_task import SPACE
from hypothesis import given
from hypothesis import strategies as st
from made_up_members import PLACE, trained

from rdl.errors import UserError
from rdl.population import PopulationSettings, count_affordable_generations
from rdl.population.evolution import rank_members
from rdl.population.rules import count_survivors, next_generation

populations = st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), min_size=1, max_size=30).filter(
    lambda scores: any(score is not None for score in scores)
)


@given(populations, st.floats(0.01, 0.5))
def test_truncation_replaces_the_worst_and_the_failed_by_clones_of_the_best(scores, fraction):
    members = trained(scores)
    following = next_generation(members, SPACE, PLACE, fraction=fraction)
    assert [member.index for member in following] == [member.index for member in members]
    number = math.ceil(fraction * len(scores))
    failed = [member.index for member in members if member.status == "failed"]
    order = [member.index for member in rank_members(members)]
    best = set(order[: max(number, 1)])
    changed = [member for member in following if member.parent != member.index]
    for member in following:
        parent = members[member.parent]
        assert parent.status == "scored"
        assert member.status == "new"
        assert member.generation == 1
        if member.parent == member.index:
            assert member.hyperparameters == parent.hyperparameters
        else:
            assert member.parent in best
    assert set(failed) <= {member.index for member in changed}
    least = min(number, len(scores) - 1)
    assert len(changed) == max(least, len(failed))
    if len(failed) < least:  # the worst scored members are replaced too
        assert {member.index for member in changed} - set(failed) == set(order[len(order) - (least - len(failed)) :])


def test_a_member_gets_a_new_seed_in_every_generation():
    seeds, members = [], trained([float(i) for i in range(4)])
    for _ in range(4):
        seeds += [member.seed for member in members]
        scored = [member.with_score(float(member.index), "checksum") for member in members]
        members = next_generation(scored, SPACE, PLACE)
        assert members[3].parent == 3
    assert len(set(seeds)) == len(seeds) == 16


@given(populations, st.integers(0, 100))
def test_no_two_members_share_a_seed(scores, seed):
    first = trained(scores)
    second = next_generation(first, SPACE, (seed, "x_run"))
    assert len({member.seed for member in second}) == len(second)
    again = next_generation(first, SPACE, (seed, "x_run"))
    assert again == second
    other = next_generation(first, SPACE, (seed + 1, "x_run"))
    assert {member.seed for member in other}.isdisjoint(member.seed for member in second)


def test_clones_are_perturbed_independently():
    members = trained([5.0] + [0.0] * 19)
    following = next_generation(members, SPACE, PLACE, fraction=0.5)
    clones = [member for member in following if member.parent != member.index]
    assert len(clones) == 10
    assert len({tuple(member.hyperparameters.items()) for member in clones}) > 3


def test_parents_are_drawn_from_all_best_members():
    members = trained([float(i) for i in range(50)])
    following = next_generation(members, SPACE, PLACE, fraction=0.2)
    parents = Counter(member.parent for member in following if member.parent != member.index)
    assert set(parents) <= set(range(40, 50))
    assert len(parents) > 3


def test_ties_go_to_the_lower_index():
    assert [member.index for member in rank_members(trained([1.0, 2.0, 2.0, 1.0]))] == [1, 2, 0, 3]
    following = next_generation(trained([1.0] * 5), SPACE, PLACE, fraction=0.2)
    assert [member.parent for member in following] == [0, 1, 2, 3, 0]


def test_a_population_of_one_continues_training():
    (member,) = next_generation(trained([0.3]), SPACE, PLACE)
    assert (member.parent, member.generation) == (0, 1)


def test_the_best_members_of_a_larger_first_generation_are_kept():
    members = trained([0.0, 5.0, None, 3.0, 4.0, 1.0, 2.0, 6.0])
    following = next_generation(members, SPACE, PLACE, fraction=0.25, size=4)
    assert [member.index for member in following] == [1, 3, 4, 7]
    assert [member.parent for member in following] == [1, 7, 4, 7]  # the worst member that is kept is replaced


def test_failed_members_keep_their_slots_only_if_too_few_were_scored():
    following = next_generation(trained([None, 1.0, None, None]), SPACE, PLACE, fraction=0.25, size=3)
    assert [member.index for member in following] == [0, 1, 2]
    assert {member.parent for member in following} == {1}


def test_an_error_reports_why_all_members_failed():
    with pytest.raises(UserError, match=r"All 3 members of generation 0 failed \(diverged\)"):
        next_generation(trained([None, None, None]), SPACE, PLACE)


@given(populations)
def test_random_search_drops_failed_members_and_continues_the_others(scores):
    members = trained(scores)
    following, usual = next_generation(members, SPACE, PLACE, "none"), next_generation(members, SPACE, PLACE)
    before = {member.index: member for member in members if member.score is not None}
    assert [member.index for member in following] == sorted(before)
    for member in following:
        assert member.parent == member.index and member.generation == 1
        assert member.hyperparameters == before[member.index].hyperparameters
        assert member.seed == usual[member.index].seed  # depends only on slot and generation


@given(populations, st.sampled_from([0.2, 0.25, 0.5]))
def test_halving_keeps_the_better_members_unchanged(scores, fraction):
    members = trained(scores)
    following = next_generation(members, SPACE, PLACE, "halving", fraction)
    kept = rank_members(members)[: len(scores) - math.floor(fraction * len(scores)) or 1]
    assert [member.index for member in following] == sorted(member.index for member in kept)
    for member in following:
        assert member.parent == member.index
        assert member.hyperparameters == members[member.index].hyperparameters


def test_halving_ends_with_one_member():
    settings = PopulationSettings(size=5, initial_factor=2, rule="halving", fraction=0.5, generations=6)
    assert [settings.members(generation) for generation in range(6)] == [10, 5, 3, 2, 1, 1]
    assert settings.members_until(4) == 20
    assert settings.members(10**12) == 1  # without a loop over all generations
    assert count_survivors(1, 0.5) == 1


@pytest.mark.parametrize("rule", ["truncation", "halving"])
@pytest.mark.parametrize("budget", [0, 8, 19, 20, 21, 60])
def test_a_budget_buys_the_generations_whose_cost_it_covers(rule, budget):
    settings = PopulationSettings(size=4, models=3, initial_factor=2, rule=rule, fraction=0.5, generations=1)
    generations = count_affordable_generations(settings, 100, budget * 300)
    assert generations == 1 or settings.members_until(generations) <= budget
    assert settings.members_until(generations + 1) > budget


def frequencies(scores, generation, periods=(1, 2), fraction=0.25):
    members = trained(scores, generation)
    return members, next_generation(members, SPACE, PLACE, "frequencies", fraction, None, periods)


# Even slots belong to the sub-population of period 1, odd ones to that of period 2.
EIGHT = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_slow_sub_population_evolves_only_in_generations_that_its_period_divides():
    members, following = frequencies(EIGHT, generation=0)  # the next generation is number 1
    for index in (1, 3, 5, 7):
        assert following[index].parent == index
        assert following[index].hyperparameters == members[index].hyperparameters
    assert following[6].parent == 0  # the worst of the fast sub-population becomes a clone of its winner
    assert [following[index].parent for index in (0, 2)] == [0, 2]
    assert (
        following[4].parent == 1
    )  # open to migration: takes the weights of the best slow member, which scores higher,
    assert following[4].hyperparameters == members[1].hyperparameters  # and its hyperparameters


def test_a_migrant_from_a_faster_sub_population_keeps_only_its_weights():
    members, following = frequencies(EIGHT, generation=1)
    assert following[5].parent == 0
    assert following[5].hyperparameters == members[1].hyperparameters  # of the best slow member
    assert following[7].parent == 1
    assert following[4].parent == 1
    assert following[4].hyperparameters == members[1].hyperparameters


def test_members_with_lower_scores_do_not_migrate():
    _, following = frequencies([8.0, 1.0, 7.0, 1.0, 6.0, 1.0, 5.0, 1.0], generation=0)
    assert [member.parent for member in following] == [0, 1, 2, 3, 4, 5, 0, 7]


@given(populations.filter(lambda scores: len(scores) >= 8), st.integers(0, 3))
def test_with_frequencies_every_parent_is_scored(scores, generation):
    members, following = frequencies(scores, generation)
    assert [member.index for member in following] == [member.index for member in members]
    assert all(members[member.parent].score is not None for member in following)
    assert len({member.seed for member in following}) == len(following)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "best"}, "population.rule .*truncation.*'best'"),
        ({"rule": "frequencies", "size": 7}, "population.size .*8.* got 7"),
        ({"rule": "frequencies", "size": 11, "periods": (1, 2, 4)}, "population.size .*12.* got 11"),
        ({"periods": (1, 2)}, "population.periods .*'truncation'"),
    ],
)
def test_invalid_rules_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        PopulationSettings(**settings)
