"""The last lines of a run: what was found, where it lies, and what to do with it."""

from pathlib import Path
from typing import Any

from rich.console import Console

from rdl.watch.display import summary_table


def show(root: str, summary: dict[str, Any]) -> None:
    """Prints the summary of a finished run and the commands that go on from it."""
    console = Console()
    console.print(summary_table(summary))
    for line in lines(root):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def lines(root: str) -> list[str]:
    """Where the run lies, and commands that work as they are printed."""
    place = Path(root)
    return [
        "",
        f"Everything lies in {place}: results/summary.json, results/traversals.png, model/.",
        f"Read it:    bin/report {place}",
        f"Watch it:   tensorboard --logdir {place}/tensorboard",
        f"Use it:     python -c \"import rdl; print(rdl.load('{place}'))\"",
    ]
