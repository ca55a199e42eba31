"""Drawings of results, for a page and for papers: arrays and records in, matplotlib figures out.

Colours are Okabe and Ito's, which colour-blind readers tell apart; heat maps are cividis with their numbers
written in; nothing is told by colour alone.
"""

from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.collections
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rdl.data.display import to_rgb
from rdl.report.gallery import INK, STYLE, tile

BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0079c2", "#e69f00", "#009e73", "#d55e00", "#8a8f94"
_CROWDED = 400
"""With more marks than this, they are put into a drawing as pixels: the file stays small."""


def figure(width: float, height: float) -> Figure:
    """An empty figure in the house's style; inches."""
    with matplotlib.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def _axes(drawing: Figure, rows: int = 1, columns: int = 1, **options) -> np.ndarray:
    with matplotlib.rc_context(STYLE):
        return drawing.subplots(rows, columns, squeeze=False, **options)


def heatmap(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], what: str, side: str, top: str) -> Figure:
    """A table of numbers from 0 to 1 as coloured cells with the numbers written in.

    Args:
      values: [rows, columns]; nan leaves a cell empty.
      rows, columns: their names.
      what: what the numbers are.
      side, top: what rows and columns are.
    """
    cell = 0.62 if max(map(len, columns), default=0) <= 9 else 0.8
    drawing = figure(1.9 + cell * len(columns), 1.0 + 0.34 * len(rows))
    with matplotlib.rc_context(STYLE):
        ((ax,),) = _axes(drawing)
        mesh = ax.pcolormesh(values, cmap="cividis", vmin=0, vmax=1, edgecolors="none")
        for (row, column), value in np.ndenumerate(values):
            if np.isnan(value):
                continue
            colour = "#000000" if value > 0.5 else "#ffffff"
            ax.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
        ax.set_xticks(np.arange(len(columns)) + 0.5, [_short(name) for name in columns], rotation=_tilt(columns))
        ax.set_yticks(np.arange(len(rows)) + 0.5, [_short(name) for name in rows])
        ax.invert_yaxis()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel(top)
        ax.set_ylabel(side)
        drawing.colorbar(mesh, ax=ax, label=what, fraction=0.08)
    return drawing


def scores(groups: Mapping[str, Sequence[float]], metric: str, own: bool = True) -> Figure:
    """Every model's value as a dot, a line for each kind of model; a bar marks the mean of several.

    Args:
      groups: the kinds of models and their values.
      metric: what the values are.
      own: the first kind is the run's own and stands out.
    """
    drawing = figure(4.6, 0.75 + 0.33 * len(groups))
    with matplotlib.rc_context(STYLE):
        ((ax,),) = _axes(drawing)
        for row, values in enumerate(groups.values()):
            colour = ORANGE if own and row == 0 else BLUE
            ax.plot(values, np.full(len(values), row), "o", color=colour, alpha=0.7, markersize=6, markeredgewidth=0)
            if len(values) > 1:
                ax.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], color=INK, linewidth=1.5)
        ax.set_yticks(range(len(groups)), [_short(name, 34) for name in groups])
        ax.set_ylim(len(groups) - 0.4, -0.6)
        ax.set_xlim(0, max(1.0, *(value for values in groups.values() for value in values)))
        ax.grid(axis="x", color=GREY, alpha=0.3, linewidth=0.6)
        ax.set_xlabel(metric)
    return drawing


def grid(images: np.ndarray, rows: Sequence[str], columns: Sequence[str], side: str = "", top: str = "") -> Figure:
    """Images [rows, columns, height, width, channels] side by side, with names at the left and below."""
    count, across, height, width, _ = images.shape
    drawing = figure(1.6 + 0.5 * across, 0.7 + 0.5 * count * height / width)
    sheet = tile(images.reshape(-1, *images.shape[2:]), across)
    with matplotlib.rc_context(STYLE):
        ((ax,),) = _axes(drawing)
        ax.imshow(to_rgb(sheet), interpolation="none", aspect="equal")
        ax.set_yticks([i * (height + 1) + height / 2 - 0.5 for i in range(count)], [_short(name, 24) for name in rows])
        ax.set_xticks([i * (width + 1) + width / 2 - 0.5 for i in range(across)], columns)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel(top)
        ax.set_ylabel(side)
    return drawing


def staircase(values: np.ndarray, bounds: Sequence[tuple[int, int]], chosen: int | None, name: str) -> Figure:
    """A label's values in ascending order with its plateaus marked; the chosen one is filled.

    Args:
      values: the label, ascending, [n].
      bounds: for each plateau its first sorted position and the one after its last.
      chosen: which plateau is kept, if any.
      name: of the label.
    """
    drawing = figure(4.6, 2.6)
    with matplotlib.rc_context(STYLE):
        ((ax,),) = _axes(drawing)
        for i, (start, stop) in enumerate(bounds):
            if i == chosen:
                ax.axvspan(start, stop, color=ORANGE, alpha=0.35, linewidth=0)
                ax.text((start + stop) / 2, 1.02, "kept", transform=ax.get_xaxis_transform(), ha="center", fontsize=8)
            elif i % 2:
                ax.axvspan(start, stop, color=GREY, alpha=0.18, linewidth=0)
            positions = np.unique(np.linspace(start, stop - 1, min(stop - start, 60)).astype(int))
            ax.plot(positions, values[positions], color=BLUE, linewidth=2.2, solid_capstyle="butt")
        for start, _ in bounds[1:]:
            ax.plot([start - 1, start], [values[start - 1], values[start]], color=BLUE, linewidth=0.8)
        ax.set_xlim(0, len(values))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.set_xlabel("images, sorted by the label")
        ax.set_ylabel(name)
    return drawing


def lineage(generations: Sequence[Sequence], best: Sequence[tuple[int, int]], score: str) -> Figure:
    """Every member's score against generation, with lines from parent to child.

    Args:
      generations: members (``rdl.population.Member``) of each generation.
      best: (generation, index) of the best member and its ancestors, drawn bold.
      score: the score's name.
    """
    drawing = figure(4.6, 3.0)
    known = [m.score for members in generations for m in members if m.score is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    bottom = low - 0.12 * ((high - low) or 1.0)
    places = {
        (m.generation, m.index): (m.generation, bottom if m.score is None else m.score)
        for members in generations
        for m in members
    }
    crowded = len(places) > _CROWDED
    with matplotlib.rc_context(STYLE):
        ((ax,),) = _axes(drawing)
        kept, copied = [], []
        for members in generations:
            for m in members:
                parent = (m.generation - 1, m.parent)
                if m.parent is not None and parent in places:
                    (kept if m.parent == m.index else copied).append((places[parent], places[m.generation, m.index]))
        _lines(ax, kept, GREY, 0.7, 0.3 if crowded else 0.75, crowded)
        _lines(ax, copied, GREEN, 1.0, 0.4 if crowded else 0.8, crowded)
        line = [places[place] for place in best if place in places]
        ax.plot(*zip(*line, strict=True), color=ORANGE, linewidth=2.4) if line else None
        size = 3 if crowded else 5
        scored = [places[m.generation, m.index] for members in generations for m in members if m.score is not None]
        failed = [places[m.generation, m.index] for members in generations for m in members if m.score is None]
        _marks(ax, scored, "o", BLUE, size, crowded)
        _marks(ax, failed, "X", VERMILLION, size + 2, crowded)
        if kept:
            ax.plot([], [], color=GREY, label="goes on")
        if copied:
            ax.plot([], [], color=GREEN, label="takes over from a better one")
        if len(line) > 1:
            ax.plot([], [], color=ORANGE, linewidth=2.4, label="ancestors of the best")
        if failed:
            ax.plot([], [], "X", color=VERMILLION, label="failed")
        ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        ax.set_xlabel("generation")
        ax.set_ylabel(score)
        if ax.get_legend_handles_labels()[0]:
            drawing.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return drawing


def hyperparameters(generations: Sequence[Sequence], best: Sequence[tuple[int, int]]) -> Figure:
    """Every member's hyperparameters against generation on log axes, darker where the score is better."""
    first = next(iter(generations[0]))
    names = sorted(first.hyperparameters)
    drawing = figure(4.6, 0.5 + 1.25 * len(names))
    members = [m for generation in generations for m in generation]
    by_place = {(m.generation, m.index): m for m in members}
    crowded = len(members) > _CROWDED

    def place(m) -> float:  # members of a generation stand side by side, so that equal values can be told apart
        return m.generation + 0.6 * ((m.index + 0.5) / len(generations[0]) - 0.5)

    with matplotlib.rc_context(STYLE):
        axes = _axes(drawing, len(names), 1, sharex=True)[:, 0]
        shades = None
        scored = sorted((m for m in members if m.score is not None), key=lambda m: m.score)
        for ax, name in zip(axes, names, strict=True):
            if scored:
                shades = ax.scatter(
                    [place(m) for m in scored],
                    [m.hyperparameters[name] for m in scored],
                    c=[m.score for m in scored],
                    cmap="cividis_r",
                    s=9 if crowded else 24,
                    edgecolors=GREY,
                    linewidths=0.2 if crowded else 0.4,
                    rasterized=crowded,
                )
            lost = [(place(m), m.hyperparameters[name]) for m in members if m.score is None]
            _marks(ax, lost, "x", VERMILLION, 3 if crowded else 5, crowded)
            line = [(place(m), m.hyperparameters[name]) for m in (by_place.get(spot) for spot in best) if m]
            ax.plot(*zip(*line, strict=True), color=ORANGE, linewidth=1.6) if line else None
            values = [m.hyperparameters[name] for m in members]
            if min(values) > 0:
                _log_axis(ax, min(values), max(values))
            ax.set_ylabel(_short(name.replace("_", " ")))
        axes[-1].xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes[-1].set_xlabel("generation")
        if shades is not None:
            drawing.colorbar(shades, ax=list(axes), label="score", fraction=0.05)
    return drawing


def _log_axis(ax: Axes, low: float, high: float) -> None:
    """Log scale with few plain numbers as ticks."""
    ax.set_yscale("log")
    ax.set_ylim(low / 1.5, high * 1.5)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [tick for tick in ticks if low / 1.5 <= tick <= high * 1.5]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def _lines(ax: Axes, lines: list, colour: str, width: float, alpha: float, crowded: bool) -> None:
    if lines:
        lines_ = matplotlib.collections.LineCollection(lines, colors=colour, linewidths=width, alpha=alpha)
        lines_.set_rasterized(crowded)
        ax.add_collection(lines_)
        ax.autoscale_view()


def _marks(ax: Axes, places: list, mark: str, colour: str, size: float, crowded: bool) -> None:
    if places:
        ax.plot(
            *zip(*places, strict=True),
            mark,
            color=colour,
            markersize=size,
            markeredgewidth=mark == "x",
            rasterized=crowded,
        )


def _tilt(names: Sequence[str]) -> int:
    return 30 if max(map(len, names), default=0) > 8 else 0


def _short(name: str, width: int = 16) -> str:
    return name if len(name) <= width else name[: width - 2] + ".."
