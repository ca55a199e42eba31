"""The lines that the terminal shows while a population trains and after a run."""

import io
import itertools
import re
import shlex

import pytest
from rich.console import Console

from rdl.callbacks import run_summary
from rdl.callbacks.remaining_images import RemainingImages
from rdl.callbacks.terminal import Terminal
from rdl.population import Member, PopulationSettings
from rdl.training import progress


def generation_line(score, *members):
    out = io.StringIO()
    terminal = Terminal(Console(file=out))
    terminal.on_score_chosen("x_run", score)
    terminal.on_generation_end("x_run", members)
    terminal.close()
    return out.getvalue().strip()


def trained(index, score, **details):
    member = Member(index, 3, 0, {"learning_rate": 1e-3}, seed=1)
    return member.with_failure("diverged") if score is None else member.with_score(score, "0" * 64, **details)


@pytest.mark.parametrize(
    ("active", "words"), [([1, 1], "0.899 (1 active)"), ([1, 2, 1], "0.899 (1.3 active)"), (None, "0.899")]
)
def test_a_generation_s_line_shows_the_active_latents_of_the_best_member(active, words):
    few = {"active_latents": active} if active else {}
    many = {"active_latents": [5, 5]} if active else {}
    members = trained(0, 0.57, **many), trained(1, 0.899, **few), trained(2, None), trained(3, 0.3, **many)
    line = generation_line("UDR", *members)
    assert line == f"generation 3: best UDR {words}, median 0.570, worst 0.300, 1 failed"


def test_the_line_of_a_single_model_names_its_score():
    assert generation_line("negative loss", trained(0, -240.317)) == "generation 3: negative loss -240.317"


def test_lines_fit_80_columns_and_progress_updates_the_live_line(monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))
    out = io.StringIO()
    terminal = Terminal(Console(file=out, force_terminal=True, width=80))
    settings = PopulationSettings(size=5, models=2, generations=10)
    terminal.on_plan({"x_run": 10, "leaf_0/iteration_1": 10**6})
    terminal.on_stage_begin("leaf_0/iteration_1", settings, 25_000, 11_520)
    terminal.on_message("leaf_0/iteration_0: " + "11520 images, latents [0, 1, 2, 3] learned; " * 5)
    progress.report_progress("member", 5_000, 25_000)
    live = terminal._status.status
    assert "leaf_0/iteration_1 generation 0" in live and " 4%" in live and "left" in live
    assert len(live) <= 77  # beside the spinner
    terminal.close()
    progress.report_progress("member", 6_000, 25_000)
    assert " 4%" in terminal._status.status
    shown = re.sub("\x1b[^a-zA-Z]*[a-zA-Z]", "", out.getvalue())
    assert max(map(len, re.split("[\r\n]", shown))) <= 80


def test_remaining_images_are_those_of_the_whole_run():
    remaining = RemainingImages()
    settings = PopulationSettings(size=2, models=1, generations=5, until_converged=False)
    remaining.plan({"x_run": 1000, "final": 2000})
    remaining.begin_stage("x_run", settings, 100)
    remaining.subtract(250)
    assert remaining.images == 750 + 2000
    remaining.begin_stage("final", settings, 200)
    assert remaining.images == 2000  # the x-run is over, and the final run counts once
    remaining.set_done(1000)  # a resumed run has trained some before
    assert remaining.images == 1000


@pytest.mark.parametrize(
    ("script", "command"), [("bin/train", "bin/report"), ("/usr/bin/rdl", "rdl report"), ("-c", "bin/report")]
)
def test_the_report_command_can_be_run_as_it_is_printed(script, command, monkeypatch):
    monkeypatch.setattr("sys.argv", [script])
    (line,) = [line for line in run_summary.next_commands("runs/a") if line.startswith("Report:")]
    assert line.split(maxsplit=1)[1] == f"{command} runs/a"


def test_the_last_lines_are_commands(monkeypatch):
    monkeypatch.setattr("sys.argv", ["bin/train"])
    report, tensorboard, python = run_summary.next_commands("runs/quickstart")[-3:]
    assert report.endswith(" bin/report runs/quickstart")
    assert tensorboard.endswith("tensorboard --logdir runs/quickstart/tensorboard")
    assert python.endswith("""python -c "import rdl; print(rdl.Run('runs/quickstart').codes([0, 1]))\"""")
    quoted = run_summary.next_commands("my runs/it's")[-1]
    assert shlex.split(quoted)[-1] == """import rdl; print(rdl.Run("my runs/it's").codes([0, 1]))"""


@pytest.mark.parametrize("scores", [{}, {"final.discrete_mig": 0.4, "first_generation.best_discrete_mig": 0.3}])
def test_the_table_shows_scores_or_else_every_key(scores):
    summary = {"experiment": "search", "dataset": "a", "seed": 1, "verdict.inactive": 2, **scores}
    out = io.StringIO()
    Console(file=out, width=100).print(run_summary.summary_table(summary))
    shown = out.getvalue()
    assert ("0.400" in shown and "0.300" in shown and "random, best" in shown) == bool(scores)
    assert ("experiment" in shown) == (not scores) and "verdict" not in shown
