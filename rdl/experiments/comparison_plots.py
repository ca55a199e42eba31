"""The violins and boxes in which this literature shows how much scores vary within a method."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rdl.experiments.comparison import Row
from rdl.runs import files

_COLOUR, _DOT = "#4c72b0", "#1c2b45"
_ENOUGH_FOR_A_VIOLIN = 10  # a density of fewer points is a picture of its kernel


def draw(rows: Sequence[Row], folder: str | Path, name: str = "comparison") -> list[Path]:
    """One panel a column, methods side by side: boxes, violins where there are enough models, and every model a dot.

    Rows that are not comparable with the others of their column are left out.

    Returns:
      ``<folder>/<name>.png`` and ``<folder>/<name>.svg``.
    """
    columns = list(dict.fromkeys(row.column for row in rows))
    widest = max(sum(row.column == column and not row.note for row in rows) for column in columns)
    width = max(4.0, 0.42 * widest + 1.5)
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "rdl"}):
        across = min(len(columns), max(1, int(14 // width)))
        down = -(-len(columns) // across)
        figure = Figure(figsize=(width * across, 3.6 * down), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for ax, column in zip(axes, columns, strict=False):
            _panel(ax, column, [row for row in rows if row.column == column and not row.note])
        for ax in axes[len(columns) :]:
            ax.set_axis_off()
        paths = [Path(folder) / f"{name}.{kind}" for kind in ("png", "svg")]
        for path in paths:
            with files.replacing(path) as file:
                metadata = {"Date": None} if path.suffix == ".svg" else None
                figure.savefig(file, format=path.suffix[1:], metadata=metadata)
    return paths


def _panel(ax, column: tuple[str, str, str, str], rows: Sequence[Row]) -> None:
    places = np.arange(1, len(rows) + 1)
    ax.boxplot(
        [row.values for row in rows],
        positions=places,
        widths=0.55,
        showfliers=False,
        medianprops={"color": _DOT, "linewidth": 1.5},
    )
    for place, row in zip(places, rows, strict=True):
        if len(row.values) >= _ENOUGH_FOR_A_VIOLIN and np.ptp(row.values) > 0:
            for body in ax.violinplot([row.values], positions=[place], widths=0.8, showextrema=False)["bodies"]:
                body.set_facecolor(_COLOUR)
                body.set_alpha(0.35)
        offsets = np.linspace(-0.15, 0.15, len(row.values)) if len(row.values) > 1 else np.zeros(1)
        ax.plot(place + offsets, row.values, "o", color=_COLOUR, markersize=3.5, alpha=0.8)
    dataset, representation, metric, key = column
    ax.set_title(f"{metric}: {key}\n{dataset.split(' (')[0]}, {representation}", fontsize=9)
    ax.set_xticks(places, [row.method for row in rows], rotation=45, ha="right", rotation_mode="anchor")
    ax.grid(axis="y", alpha=0.3)
