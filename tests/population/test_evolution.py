import dataclasses
import itertools
import math
from collections import Counter

import pytest
from fake_task import SPACE
from hypothesis import given
from hypothesis import strategies as st

from rdl.errors import UserError
from rdl.population import Member, Outcome, evolution
from rdl.population.evolution import converged, first_generation, next_generation, ranked

PLACE = (0, "x_run")


def trained(scores: list[float | None], generation: int = 0) -> list[Member]:
    """Members with these scores; None: failed."""
    members = [dataclasses.replace(m, generation=generation) for m in first_generation(len(scores), SPACE, PLACE)]
    return [
        member.failed("diverged") if score is None else member.scored(score, "checksum")
        for member, score in zip(members, scores, strict=True)
    ]


populations = st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), min_size=1, max_size=30).filter(
    lambda scores: any(score is not None for score in scores)
)


@given(populations, st.floats(0.01, 0.5))
def test_exploit_and_explore(scores, fraction):
    members = trained(scores)
    following = next_generation(members, SPACE, PLACE, fraction)
    assert [member.index for member in following] == [member.index for member in members]
    number = math.ceil(fraction * len(scores))
    failed = [member.index for member in members if member.status == "failed"]
    order = [member.index for member in ranked(members)]
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
    if len(failed) < least:  # the worst of the scored ones fill up
        assert {member.index for member in changed} - set(failed) == set(order[len(order) - (least - len(failed)) :])


def test_a_member_that_goes_on_has_another_random_stream_in_every_generation():
    seeds, members = [], trained([float(i) for i in range(4)])
    for _ in range(4):
        seeds += [member.seed for member in members]
        scored = [member.scored(float(member.index), "checksum") for member in members]
        members = next_generation(scored, SPACE, PLACE)
        assert members[3].parent == 3
    assert len(set(seeds)) == len(seeds) == 16


@given(populations, st.integers(0, 100))
def test_no_two_members_share_a_random_stream(scores, seed):
    first = trained(scores)
    second = next_generation(first, SPACE, (seed, "x_run"))
    assert len({member.seed for member in second}) == len(second)
    again = next_generation(first, SPACE, (seed, "x_run"))
    assert again == second
    other = next_generation(first, SPACE, (seed + 1, "x_run"))
    assert {member.seed for member in other}.isdisjoint(member.seed for member in second)


def test_clones_are_perturbed_each_in_its_own_way():
    members = trained([5.0] + [0.0] * 19)
    following = next_generation(members, SPACE, PLACE, 0.5)
    clones = [member for member in following if member.parent != member.index]
    assert len(clones) == 10
    assert len({tuple(member.hyperparameters.items()) for member in clones}) > 3


def test_parents_are_spread_over_the_best():
    members = trained([float(i) for i in range(50)])
    following = next_generation(members, SPACE, PLACE, 0.2)
    parents = Counter(member.parent for member in following if member.parent != member.index)
    assert set(parents) <= set(range(40, 50))
    assert len(parents) > 3


def test_ties_go_to_the_lower_index():
    assert [member.index for member in ranked(trained([1.0, 2.0, 2.0, 1.0]))] == [1, 2, 0, 3]
    following = next_generation(trained([1.0] * 5), SPACE, PLACE, 0.2)
    assert [member.parent for member in following] == [0, 1, 2, 3, 0]


def test_one_member_goes_on_alone():
    (member,) = next_generation(trained([0.3]), SPACE, PLACE)
    assert (member.parent, member.generation) == (0, 1)


def test_half_the_members_are_kept_after_a_larger_start():
    members = trained([0.0, 5.0, None, 3.0, 4.0, 1.0, 2.0, 6.0])
    following = next_generation(members, SPACE, PLACE, 0.25, size=4)
    assert [member.index for member in following] == [1, 3, 4, 7]
    assert [member.parent for member in following] == [1, 7, 4, 7]  # the worst of those kept is replaced


def test_failed_members_are_kept_only_to_fill_up():
    following = next_generation(trained([None, 1.0, None, None]), SPACE, PLACE, 0.25, size=3)
    assert [member.index for member in following] == [0, 1, 2]
    assert {member.parent for member in following} == {1}


def test_a_population_of_failed_members_ends_with_the_reason():
    with pytest.raises(UserError, match=r"All 3 members of generation 0 failed \(diverged\)"):
        next_generation(trained([None, None, None]), SPACE, PLACE)


@given(st.lists(st.sampled_from([-0.01, -0.0049, 0.0, 0.0049, 0.01]), max_size=12))
def test_converged_needs_seven_rounds_of_small_changes(changes):
    scores = list(itertools.accumulate(changes, initial=0.5))
    assert converged(scores) == (len(changes) >= 6 and all(abs(change) < 0.005 for change in changes[-6:]))


@pytest.mark.parametrize("window", [1, 2, 6])
def test_the_last_change_that_counts_is_the_windows_first(window):
    jump, still = [0.0], [0.5] * (window + 1)
    assert not converged(still[:-1], window)
    assert converged(still, window)
    assert not converged(jump + still[:-1], window)
    assert converged(jump + still, window)


def test_scores_that_fall_are_not_converged():
    assert not converged([0.5] * 6 + [0.4])
    assert not converged([float("-inf")] * 10)


@pytest.mark.parametrize("details", [{"kl": [[1.0, math.inf]]}, {"terms": {"loss": math.nan}}])
def test_measurements_that_are_no_numbers_fail_a_member(details):
    (member,) = first_generation(1, SPACE, PLACE)
    assert member.scored(0.5, "checksum", **details).status == "failed"
    assert member.scored(math.nan, "checksum").score is None
    assert next(iter(details)) in member.scored(0.5, "checksum", **details).reason


def test_a_record_comes_back_as_it_was():
    (member,) = trained([0.25])
    assert Member.from_record(member.to_record()) == member


@given(populations)
def test_without_exploit_every_living_member_trains_on_and_a_failed_one_is_given_up(scores):
    members = trained(scores)
    following, usual = next_generation(members, SPACE, PLACE, exploit=False), next_generation(members, SPACE, PLACE)
    before = {member.index: member for member in members if member.score is not None}
    assert [member.index for member in following] == sorted(before)
    for member in following:
        assert member.parent == member.index and member.generation == 1
        assert member.hyperparameters == before[member.index].hyperparameters
        assert member.seed == usual[member.index].seed  # its place decides, not who else lives


def test_members_trained_apart_share_no_ancestor():
    def member(generation, index, parent, score):
        return Member(index, generation, parent, {}, 1).scored(score, "0")

    first = [member(0, index, None, 0.1) for index in range(4)]
    second = [member(1, 0, 0, 0.2), member(1, 1, 0, 0.5), member(1, 2, 2, 0.3), member(1, 3, 3, 0.4)]
    third = [member(2, 0, 0, 0.2), member(2, 1, 1, 0.6), member(2, 2, 2, 0.3), member(2, 3, 2, 0.35)]
    generations = [first, second, third]
    assert [evolution.founder(generations, m) for m in third] == [0, 0, 2, 2]
    outcome = Outcome(generations, "done")
    assert outcome.best is third[1]
    assert outcome.trained_apart == [third[3]]  # the best of the line of member 2; 0's line is the best one's own
