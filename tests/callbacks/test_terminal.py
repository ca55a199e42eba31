"""What a person reads in the terminal while a population trains."""

import io
import itertools
import re
import shlex

import pytest
from rich.console import Console

from rdl.callbacks import closing_lines
from rdl.callbacks.estimate import Estimate
from rdl.callbacks.terminal import Terminal
from rdl.population import Member, PopulationSettings
from rdl.training import progress


def told(*members):
    out = io.StringIO()
    terminal = Terminal(Console(file=out))
    terminal.on_score_chosen("x_run", "UDR")
    terminal.on_generation_end("x_run", members)
    terminal.close()
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
    assert line == f"generation 3: best UDR {words}, median 0.570, worst 0.300, 1 failed"


def test_a_single_models_line_says_what_its_number_is():
    out = io.StringIO()
    terminal = Terminal(Console(file=out))
    terminal.on_score_chosen("population", "negative loss")
    terminal.on_generation_end("population", [trained(0, -240.317)])
    terminal.close()
    assert out.getvalue() == "  generation 3: negative loss -240.317\n"


def test_lines_fit_80_columns_and_a_member_moves_the_live_line(monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))
    out = io.StringIO()
    terminal = Terminal(Console(file=out, force_terminal=True, width=80))
    settings = PopulationSettings(size=5, models=2, generations=10)
    terminal.on_plan({"x_run": 10, "leaf_0/iteration_1": 10**6})
    terminal.on_stage_begin("leaf_0/iteration_1", settings, 25_000, 11_520)
    terminal.on_message("leaf_0/iteration_0: " + "11520 images, latents [0, 1, 2, 3] learned; " * 5)
    progress.tell("member", 5_000, 25_000)
    live = terminal._status.status
    assert "leaf_0/iteration_1 generation 0" in live and " 4%" in live and "left" in live
    assert len(live) <= 77  # beside the spinner
    terminal.close()
    progress.tell("member", 6_000, 25_000)
    assert " 4%" in terminal._status.status
    shown = re.sub("\x1b[^a-zA-Z]*[a-zA-Z]", "", out.getvalue())
    assert max(map(len, re.split("[\r\n]", shown))) <= 80


def test_the_estimate_is_of_the_whole_run(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    estimate = Estimate()
    settings = PopulationSettings(size=2, models=1, generations=5, until_converged=False)
    estimate.plan({"x_run": 1000, "final": 2000})
    estimate.on_stage_begin("x_run", settings, 100)
    assert estimate.run_left is None
    now[0] = 10.0
    estimate.done(250)
    assert (estimate.stage_left, estimate.run_left) == (30, 110)
    estimate.on_stage_begin("final", settings, 200)
    assert estimate.run_left == 80  # the stage that began is not counted twice, the one before not any more
    estimate.settle(1000)  # a run that goes on has done some before
    assert estimate.run_left == 40


def test_the_last_lines_are_commands(monkeypatch):
    monkeypatch.setattr("sys.argv", ["bin/train"])
    report, watch, use = closing_lines.lines("runs/quickstart")[-3:]
    assert report == "Read it:  bin/report runs/quickstart"
    assert watch.endswith("tensorboard --logdir runs/quickstart/tensorboard")
    assert use.endswith("""python -c "import rdl; print(rdl.Run('runs/quickstart').codes([0, 1]))\"""")
    assert (
        shlex.split(closing_lines.lines("my runs/it's")[-1])[-1]
        == """import rdl; print(rdl.Run("my runs/it's").codes([0, 1]))"""
    )
