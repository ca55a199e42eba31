"""The violins and boxes in which this literature shows how much scores vary within a method."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rdl.results.comparison import Row
from rdl.runs import files

_COLOUR, _DOT, _LINE = "#4c72b0", "#1c2b45", "#5a6066"
_ACROSS = 3
_ENOUGH_FOR_A_VIOLIN = 10  # a density of fewer points is a picture of its kernel


def draw(rows: Sequence[Row], folder: str | Path, name: str = "comparison") -> list[Path]:
    """One panel a column, methods below each other: boxes, violins where there are enough models, every model a dot.

    Rows that are not comparable with the others of their column are left out.

    Returns:
      ``<folder>/<name>.png`` and ``<folder>/<name>.svg``.
    """
    panels: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        if not row.note:
            panels.setdefault(row.column, []).append(row)
    methods = [[row.method for row in panel] for panel in panels.values()]
    across = min(len(panels), _ACROSS)
    down = -(-len(panels) // across)
    named = [
        i % across == 0 or methods[i] != methods[i - 1] for i in range(len(panels))
    ]  # names once, where they agree
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "rdl"}):
        height = 0.9 + 0.24 * max(map(len, methods))
        figure = Figure(figsize=(2.0 + 2.6 * across, height * down), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for ax, column, with_names in zip(axes, panels, named, strict=False):
            _panel(ax, column, panels[column], with_names)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        paths = [Path(folder) / f"{name}.{kind}" for kind in ("png", "svg")]
        for path in paths:
            with files.replacing(path) as file:
                metadata = {"Date": None} if path.suffix == ".svg" else None
                figure.savefig(file, format=path.suffix[1:], metadata=metadata)
    return paths


def _panel(ax, column: tuple[str, str, str, str], rows: Sequence[Row], with_names: bool) -> None:
    places = np.arange(1, len(rows) + 1)
    ax.boxplot(
        [row.values for row in rows],
        positions=places,
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        medianprops={"color": _DOT, "linewidth": 1.5},
        boxprops={"color": _LINE},
        whiskerprops={"color": _LINE},
        capprops={"color": _LINE},
    )
    for place, row in zip(places, rows, strict=True):
        if len(row.values) >= _ENOUGH_FOR_A_VIOLIN and np.ptp(row.values) > 0:
            violins = ax.violinplot(
                [row.values], positions=[place], orientation="horizontal", widths=0.8, showextrema=False
            )
            for body in violins["bodies"]:
                body.set_facecolor(_COLOUR)
                body.set_alpha(0.35)
        offsets = np.linspace(-0.15, 0.15, len(row.values)) if len(row.values) > 1 else np.zeros(1)
        ax.plot(row.values, place + offsets, "o", color=_COLOUR, markersize=3.5, alpha=0.8)
    dataset, representation, metric, key = column
    ax.set_title(f"{dataset.split(' (')[0]}, {representation}", fontsize=8, color=_LINE)
    ax.set_xlabel(f"{metric}:\n{key}")
    ax.set_yticks(places, [row.method if with_names else "" for row in rows])
    ax.set_ylim(len(rows) + 0.6, 0.4)
    ax.grid(axis="x", alpha=0.3)
