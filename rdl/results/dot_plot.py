"""The dot plot of results: a row per method, a dot per run, and a bar at the mean of several runs."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rdl.results.metric_names import describe_metric
from rdl.results.summary import GROUP, select_comparable
from rdl.runs import files

_COLOUR, _HIGHLIGHT, _BAR = "#0079c2", "#e69f00", "#1c2b45"  # Okabe and Ito's, which colour-blind readers distinguish
_STYLE = {"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "rdl"}
_COLUMNS = 3
_LONGEST_NAME = 44


def draw_dots(results: pd.DataFrame, highlight: Sequence[str] = ()) -> Figure:
    """A panel for each data set, representation and metric, as in `rdl.results.summary.summarize`.

    Results that are not comparable with most of their panel are left out.

    Args:
      results: the table of results.
      highlight: methods in another colour.
    """
    shown = select_comparable(results)
    panels = dict(list(shown[shown["note"] == ""].groupby(GROUP, sort=False)))
    columns = max(1, min(len(panels), _COLUMNS))
    rows = max(1, -(-len(panels) // columns))
    methods = [list(dict.fromkeys(panel["method"])) for panel in panels.values()]
    height = 0.85 + 0.24 * max(map(len, methods), default=1)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(2.0 + 2.6 * columns, height * rows), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for i, (ax, (key, panel)) in enumerate(zip(axes, panels.items(), strict=False)):
            # Neighbours with the same methods share the names of the first.
            named = i % columns == 0 or methods[i] != methods[i - 1]
            _draw_panel(ax, key, panel, methods[i], highlight, named)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
    return figure


def _draw_panel(
    ax: Axes, key: tuple, panel: pd.DataFrame, methods: Sequence[str], highlight: Sequence[str], named: bool
) -> None:
    dataset, representation, metric = key
    for row, method in enumerate(methods):
        values = panel.loc[panel["method"] == method, "value"]
        colour = _HIGHLIGHT if method in highlight else _COLOUR
        ax.plot(values, np.full(len(values), row), "o", color=colour, alpha=0.7, markersize=5, markeredgewidth=0)
        if len(values) > 1:
            ax.plot([values.mean()] * 2, [row - 0.3, row + 0.3], color=_BAR, linewidth=1.5)
    ax.set_title(f"{dataset.split(' (')[0]}, {representation}", fontsize=8, loc="left")
    ax.set_xlabel(describe_metric(metric))
    names = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 2]}.." for name in methods]
    ax.set_yticks(range(len(methods)), names if named else [""] * len(methods))
    ax.set_ylim(len(methods) - 0.4, -0.6)
    ax.grid(axis="x", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)


def save_dots(figure: Figure, folder: str | Path, name: str = "comparison") -> list[Path]:
    """Writes the figure as ``<name>.png`` and ``<name>.svg``, the same bytes each time; returns both paths."""
    paths = [Path(folder) / f"{name}.{kind}" for kind in ("png", "svg")]
    with matplotlib.rc_context(_STYLE):
        for path in paths:
            with files.replacing(path) as file:
                metadata = {"Date": None} if path.suffix == ".svg" else None
                figure.savefig(file, format=path.suffix[1:], metadata=metadata)
    return paths
