"""What a person reads in the terminal while a population trains."""

import io

import pytest
from rich.console import Console

from rdl.population import Member
from rdl.watch.display import Terminal


def told(*members):
    out = io.StringIO()
    Terminal(Console(file=out)).generation_done("x_run", members)
    return out.getvalue().strip()


def trained(index, score, **details):
    member = Member(index, 3, 0, {"learning_rate": 1e-3}, seed=1)
    return member.failed("diverged") if score is None else member.scored(score, "0" * 64, **details)


@pytest.mark.parametrize(
    ("active", "words"), [([1, 1], "0.899 (1 active)"), ([1, 2, 1], "0.899 (1.3 active)"), (None, "0.899")]
)
def test_a_generations_line_has_the_best_members_active_latents(active, words):
    few = {"active_latents": active} if active else {}
    many = {"active_latents": [5, 5]} if active else {}
    line = told(trained(0, 0.57, **many), trained(1, 0.899, **few), trained(2, None), trained(3, 0.3, **many))
    assert line == f"generation 3: best {words}, median 0.570, worst 0.300, 1 failed"
