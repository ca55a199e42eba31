"""Messages and summaries of the recursion, without training."""

import pytest

from rdl.errors import UserError
from rdl.jobs import rpu_vae
from rdl.jobs.recursion import leaf_run
from rdl.jobs.recursion.summary import summarize_random_members
from rdl.recursion import Iteration, LeafLabels, Reduction, Stop, to_json


def found(latents, chosen=(), kept=(), stop=None, repeats=None):
    reduction = Reduction((), chosen, 0, 1, kept, stop)
    return Iteration(0, 50, 0.5, (), latents, reduction, stop, repeats or (None,) * len(latents))


@pytest.mark.parametrize("leaf_runs", [0, -1])
def test_fewer_than_one_leaf_run_is_refused(leaf_runs):
    with pytest.raises(UserError, match=f"rpu_vae.leaf_runs must be at least 1, got {leaf_runs}"):
        rpu_vae.rpu_vae(None, leaf_runs=leaf_runs)  # without a run


def test_the_message_names_only_labels_that_are_held_fixed():
    message = leaf_run._describe(found((1, 4), (2, 0), (7, 8, 9)))
    assert message == "50 images, latents [1, 4] learned; 3 images share one value of [1, 4]"
    message = leaf_run._describe(found((1, 4), (None, 0), (7, 8, 9), repeats=(None, (0, 0))))
    assert message == (
        "50 images, latents [1, 4] learned, [4] of them repeat an earlier label; 3 images share one value of [4]; "
        "[1] have no plateau and still vary"
    )
    message = leaf_run._describe(found((1,), stop=Stop.NO_JUMP))
    assert message == f"50 images, latents [1] learned; stops: {Stop.NO_JUMP.explanation}"


def test_repeated_labels_are_not_counted():
    records = [to_json(found((1, 4), (None, 0), (7,))), to_json(found((0, 2), repeats=((0, 0), None)))]
    assert leaf_run.Leaf(LeafLabels(), records).labels_learned == 3


def test_statistics_of_random_members_with_and_without_failed_members():
    scores = [{"discrete_mig": mig, "disentanglement": dci} for mig, dci in [(0.1, 0.9), (0.4, 0.3), (0.2, 0.5)]]
    summary = summarize_random_members(scores, 5)
    assert (summary["first_generation.members"], summary["first_generation.failed"]) == (5, 2)
    assert summary["first_generation.median_discrete_mig"] == 0.2
    assert summary["first_generation.median_disentanglement"] == 0.5
    assert summary["first_generation.median_with_failed_discrete_mig"] == 0.1  # of 0, 0, 0.1, 0.2, 0.4
    assert summary["first_generation.median_with_failed_disentanglement"] == 0.3
    # One member, the best by MIG; not each column's largest.
    assert summary["first_generation.best_discrete_mig"] == 0.4
    assert summary["first_generation.best_disentanglement"] == 0.3


def test_no_statistics_if_all_random_members_failed():
    assert summarize_random_members([], 3) == {"first_generation.members": 3, "first_generation.failed": 3}
