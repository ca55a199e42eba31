"""The last lines of a run: what was found, where it lies, and commands that go on from it as they are printed."""

import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

from rich.console import Console

from rdl.callbacks.terminal import summary_table
from rdl.errors import UserError
from rdl.runs import Layout
from rdl.verdict import Verdict

_WIDTH = 80  # columns


def show(root: str, summary: dict[str, Any]) -> None:
    """Prints the verdict on a finished run, its summary and what to do with it."""
    console = Console()
    for line in verdict_lines(root):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(summary_table(summary))
    for line in lines(root):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def verdict_lines(root: str) -> list[str]:
    """Whether it worked, as far as can be told without labels; nothing of a run that was finished before verdicts."""
    try:
        headline, *latents = Verdict.load(Layout(Path(root)).verdict).lines
    except UserError:
        return []
    return ["", *textwrap.wrap(headline, _WIDTH), *(f"  {line}" for line in latents), ""]


def lines(root: str) -> list[str]:
    """Where the run lies; its page, its curves, and the latents of its first images."""
    place = shlex.quote(root)
    code = f"import rdl; print(rdl.Run({root!r}).codes([0, 1]))"
    return [
        "",
        f"Everything lies in {root}:",
        "  results/summary.json, results/traversals.png, model/",
        f"Read it:  {_report()} {place}",
        f"Watch it: {_beside('tensorboard')} --logdir {shlex.quote(root + '/tensorboard')}",
        f"Use it:   {_beside('python')} -c {_in_quotes(code)}",
    ]


def _report() -> str:
    """The command beside the one that was called."""
    called = Path(sys.argv[0])
    return "rdl report" if called.name == "rdl" else shlex.quote(str(called.parent / "report"))


def _beside(name: str) -> str:
    """A command of this Python's environment: its name where that is enough, else where it lies."""
    there = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found is not None and Path(found).parent == there.parent:
        return name
    here = Path.cwd()
    return shlex.quote(str(there.relative_to(here) if there.is_relative_to(here) else there))


def _in_quotes(code: str) -> str:
    """For a shell; double quotes where that is enough, which are easier to read around single ones."""
    return shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"'
