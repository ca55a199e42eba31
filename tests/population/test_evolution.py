import itertools
import math

import pytest
from fake_task import SPACE
from hypothesis import given
from hypothesis import strategies as st
from made_up_members import PLACE, trained

from rdl.population import Member, Outcome, evolution
from rdl.population.evolution import converged, first_generation


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
