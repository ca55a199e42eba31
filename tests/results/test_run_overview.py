"""What a run says of its latents and of beta."""

import math

import pytest

from rdl.population import Member
from rdl.results.run_overview import summarize_beta, tabulate_latents
from rdl.runs import Layout, RunReader
from rdl.runs.journal import Journal
from rdl.verdict import LatentStatus, LatentVerdict, Verdict
from tests.run_configs import write_config


def write_members(root, stage, scores, name="beta"):
    """Members of one generation by (strength, score)."""
    root.mkdir(exist_ok=True)
    write_config(root)
    journal = Journal(Layout(root).journal)
    for index, (strength, score) in enumerate(scores):
        member = Member(index, 0, None, {name: strength, "learning_rate": 1e-3}, 7)
        member = member.with_failure("diverged") if score is None else member.with_score(score, "0")
        journal.append(str(member.key(stage)), member.to_record())


def test_latents_are_ordered_by_their_kl():
    verdict = Verdict(
        (
            LatentVerdict(0, LatentStatus.INACTIVE, 0.001),
            LatentVerdict(1, LatentStatus.SUPPORTED, 2.0, 0.9, 0.95, 0.5),
            LatentVerdict(2, LatentStatus.ENTANGLED, 3.0, 0.4, 0.8, 0.1, entangled_with=1),
        ),
        3,
        0.9,
    )
    table = tabulate_latents(verdict)
    assert list(table.index) == [2, 1, 0]
    assert list(table["status"]) == ["entangled", "supported", "inactive"]
    assert table.loc[1, "replication"] == 0.9 and math.isnan(table.loc[0, "replication"])
    assert table.loc[2, "entangled_with"] == 1


def test_beta_is_summarized_from_the_final_stage(tmp_path):
    write_members(tmp_path / "run", "x_run", [(1.0, 0.99)])
    write_members(tmp_path / "run", "final", [(2.0, 0.1), (8.0, 0.48), (16.0, 0.5), (64.0, 0.47), (128.0, None)])
    text = summarize_beta(RunReader.open(tmp_path / "run"))
    assert text.startswith("The search found beta 16 (score 0.500)")
    assert "beta 8 to 16, of 2 to 64 searched" in text


def test_a_negative_score_has_its_5_percent_below_it(tmp_path):
    write_members(tmp_path / "run", "population", [(1.0, -100.0), (2.0, -104.0), (3.0, -106.0)], "gamma")
    assert "gamma 1 to 2, of 1 to 3 searched" in summarize_beta(RunReader.open(tmp_path / "run"))


@pytest.mark.parametrize(("members", "expected"), [([(6.0, 0.3)], "beta 6 only"), ([(6.0, None)], "no scored member")])
def test_runs_without_a_choice_say_so(tmp_path, members, expected):
    write_members(tmp_path / "run", "population", members)
    assert expected in summarize_beta(RunReader.open(tmp_path / "run"))
