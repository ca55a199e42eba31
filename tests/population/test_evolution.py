import itertools
import math

import pytest
from fake_task import SPACE
from hypothesis import given
from hypothesis import strategies as st
from made_up_members import PLACE, trained

from rdl.population import Member, PopulationResult, evolution
from rdl.population.evolution import draw_first_generation, has_converged


@given(st.lists(st.sampled_from([-0.01, -0.0049, 0.0, 0.0049, 0.01]), max_size=12))
def test_convergence_needs_seven_generations_of_small_changes(changes):
    scores = list(itertools.accumulate(changes, initial=0.5))
    assert has_converged(scores) == (len(changes) >= 6 and all(abs(change) < 0.005 for change in changes[-6:]))


@pytest.mark.parametrize("window", [1, 2, 6])
def test_convergence_ignores_changes_before_the_window(window):
    jump, still = [0.0], [0.5] * (window + 1)
    assert not has_converged(still[:-1], window)
    assert has_converged(still, window)
    assert not has_converged(jump + still[:-1], window)
    assert has_converged(jump + still, window)


def test_falling_scores_have_not_converged():
    assert not has_converged([0.5] * 6 + [0.4])
    assert not has_converged([float("-inf")] * 10)


@pytest.mark.parametrize("details", [{"kl": [[1.0, math.inf]]}, {"terms": {"loss": math.nan}}])
def test_a_member_with_a_non_finite_measurement_fails(details):
    (member,) = draw_first_generation(1, SPACE, PLACE)
    assert member.with_score(0.5, "checksum", **details).status == "failed"
    assert member.with_score(math.nan, "checksum").score is None
    assert next(iter(details)) in member.with_score(0.5, "checksum", **details).reason


def test_a_member_equals_the_member_of_its_record():
    (member,) = trained([0.25])
    assert Member.from_record(member.to_record()) == member


def test_independent_members_share_no_ancestor():
    def member(generation, index, parent, score):
        return Member(index, generation, parent, {}, 1).with_score(score, "0")

    first = [member(0, index, None, 0.1) for index in range(4)]
    second = [member(1, 0, 0, 0.2), member(1, 1, 0, 0.5), member(1, 2, 2, 0.3), member(1, 3, 3, 0.4)]
    third = [member(2, 0, 0, 0.2), member(2, 1, 1, 0.6), member(2, 2, 2, 0.3), member(2, 3, 2, 0.35)]
    generations = [first, second, third]
    assert [evolution.find_founder(generations, m) for m in third] == [0, 0, 2, 2]
    result = PopulationResult(generations, "done")
    assert result.best is third[1]
    assert result.independent_members == [
        third[3]
    ]  # the best of member 2's lineage; lineage 0 is that of the selected member
