"""Prints the result of a finished run: the verdict, the scores, and commands to continue with."""

import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

from rich.table import Table

from rdl.callbacks.console import PatientConsole
from rdl.runs import Layout
from rdl.scoring.names import METRICS
from rdl.verdict import VERDICT, Verdict

_WIDTH = 80  # columns
_MODELS = {  # prefix of the summary's keys -> the model
    "final.": "final model",
    "x_model.": "x-model",
    "first_generation.median_": "random, median",
    "first_generation.best_": "random, best",
}


def print_summary(root: str, summary: dict[str, Any]) -> None:
    """Prints the verdict on a finished run, its scores, and the next commands.

    Args:
      root: the run directory.
      summary: the run's summary.
    """
    console = PatientConsole()
    for part in (*format_verdict(root), summary_table(summary), *next_commands(root)):
        if isinstance(part, str):
            console.print(part, highlight=False, markup=False, soft_wrap=True)
        else:
            console.print(part)


def format_verdict(root: str) -> list[str]:
    """The lines of the verdict between empty ones; an empty list for a run without a verdict."""
    verdict = Verdict.load_if_valid(Layout(Path(root)).verdict)
    if verdict is None:
        return []
    headline, *latents = verdict.lines
    return ["", *textwrap.wrap(headline, _WIDTH), *(f"  {line}" for line in latents), ""]


def summary_table(summary: dict[str, Any]) -> Table:
    """The scores of the final model, the x-model and random members; without scores, all keys of the summary."""
    table = Table(title=f"{summary['experiment']} on {summary['dataset']}, seed {summary['seed']}")
    table.add_column("")
    models = {key: title for key, title in _MODELS.items() if any(key + score in summary for score in METRICS)}
    for title in models.values() if models else [""]:
        table.add_column(title, justify="right")
    for score, title in METRICS.items():
        values = [summary.get(key + score) for key in models]
        if any(value is not None for value in values):
            table.add_row(title, *("" if value is None else f"{value:.3f}" for value in values))
    if not models:
        for key, value in summary.items():
            if not key.startswith(VERDICT):  # printed above
                table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    return table


def next_commands(root: str) -> list[str]:
    """The run directory, and commands for the report, TensorBoard and the latents of two images."""
    code = f"import rdl; print(rdl.Run({root!r}).codes([0, 1]))"
    return [
        "",
        f"Run directory: {root}",
        "  results/summary.json, results/traversals.png, model/",
        f"Report:        {_report_command()} {shlex.quote(root)}",
        f"TensorBoard:   {_find_command('tensorboard')} --logdir {shlex.quote(root + '/tensorboard')}",
        f"In Python:     {_find_command('python')} -c {_quote(code)}",
    ]


def _report_command() -> str:
    """``rdl report``, or the script beside the one in use; bin/quickstart starts Python without a script."""
    script = Path(sys.argv[0])
    if script.name == "rdl":
        return "rdl report"
    return "bin/report" if script.name == "-c" else shlex.quote(str(script.parent / "report"))


def _find_command(name: str) -> str:
    """A command of this Python environment: its name if the shell finds it, else its path."""
    path = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found is not None and Path(found).parent == path.parent:
        return name
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _quote(code: str) -> str:
    """Quotes Python code for a shell, in double quotes where that is safe: the code contains single ones."""
    return shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"'
