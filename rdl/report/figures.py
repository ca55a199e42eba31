"""Figures of the report: arrays and records in, matplotlib figures out.

The colours are Okabe and Ito's, which colour-blind readers distinguish. Heat maps use cividis and print their numbers.
No information is shown by colour alone.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rdl.data.display import tile_images, to_rgb
from rdl.population import Member

INK = "#1b1d1f"
"""Colour of text and axes; in a page it becomes the colour of the page's text, light or dark."""
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a factor named $x$ is not a formula
    "axes.formatter.use_mathtext": False,
    "savefig.transparent": True,
}
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0079c2", "#e69f00", "#009e73", "#d55e00", "#8a8f94"
_MAX_VECTOR_MARKS = 400  # larger figures are rasterized, which keeps the page small

Generations = Sequence[Sequence[Member]]
Place = tuple[int, int]  # generation and index of a member
_Drawing = TypeVar("_Drawing", bound=Callable[..., Figure])


def _styled(draw: _Drawing) -> _Drawing:
    @functools.wraps(draw)
    def draw_in_style(*args: Any, **kwargs: Any) -> Figure:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return draw_in_style  # type: ignore[return-value]


def _make_figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


@_styled
def draw_heatmap(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], label: str, ylabel: str, xlabel: str
) -> Figure:
    """A table of numbers from 0 to 1 as coloured cells with the numbers in them.

    Args:
      values: [rows, columns]; NaN leaves a cell empty.
      rows, columns: names.
      label: the quantity.
      ylabel, xlabel: the meaning of rows and columns.
    """
    cell = 0.62 if max(map(len, columns), default=0) <= 9 else 0.8
    figure = _make_figure(1.9 + cell * len(columns), 1.0 + 0.34 * len(rows))
    ax = figure.subplots()
    mesh = ax.pcolormesh(values, cmap="cividis", vmin=0, vmax=1, edgecolors="none")
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "#000000" if value > 0.5 else "#ffffff"
            ax.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
    rotation = 30 if max(map(len, columns), default=0) > 8 else 0
    ax.set_xticks(np.arange(len(columns)) + 0.5, [_shorten(name) for name in columns], rotation=rotation)
    ax.set_yticks(np.arange(len(rows)) + 0.5, [_shorten(name) for name in rows])
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    figure.colorbar(mesh, ax=ax, label=label, fraction=0.08)
    return figure


@_styled
def draw_image_grid(
    images: np.ndarray, rows: Sequence[str], columns: Sequence[str], ylabel: str = "", xlabel: str = ""
) -> Figure:
    """Images [rows, columns, height, width, channels] with the names of rows and columns."""
    count, across, height, width, _ = images.shape
    figure = _make_figure(1.6 + 0.5 * across, 0.7 + 0.5 * count * height / width)
    ax = figure.subplots()
    sheet = to_rgb(tile_images(images.reshape(-1, *images.shape[2:]), across))
    ax.imshow(sheet, interpolation="none", aspect="equal")
    ax.set_yticks([i * (height + 1) + height / 2 - 0.5 for i in range(count)], [_shorten(name, 24) for name in rows])
    ax.set_xticks([i * (width + 1) + width / 2 - 0.5 for i in range(across)], columns)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return figure


@_styled
def draw_staircase(values: np.ndarray, bounds: Sequence[tuple[int, int]], kept: int | None, name: str) -> Figure:
    """A sorted label with its plateaus; the kept plateau is filled.

    Args:
      values: the label in ascending order, [n].
      bounds: first position of each plateau, and the position after its last.
      kept: number of the plateau that is kept; None if there is none.
      name: of the label.
    """
    figure = _make_figure(4.6, 2.6)
    ax = figure.subplots()
    for i, (start, stop) in enumerate(bounds):
        if i == kept:
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
    ax.set(xlabel="images, sorted by the label", ylabel=name)
    return figure


@_styled
def draw_lineage(generations: Generations, best: Sequence[Place], score: str) -> Figure:
    """The score of every member by generation, with lines from parents to children.

    Args:
      generations: the members of each generation.
      best: the best member and its ancestors, drawn in bold.
      score: name of the score.
    """
    figure = _make_figure(4.6, 3.0)
    ax = figure.subplots()
    members = [member for generation in generations for member in generation]
    known = [member.score for member in members if member.score is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    bottom = low - 0.12 * ((high - low) or 1.0)  # failed members have no score
    points = {(m.generation, m.index): (m.generation, bottom if m.score is None else m.score) for m in members}
    rasterized = len(points) > _MAX_VECTOR_MARKS
    children = [m for m in members if m.parent is not None and (m.generation - 1, m.parent) in points]
    for copied, colour, width, name in ((False, GREY, 0.7, "continues"), (True, GREEN, 1.0, "copies a better member")):
        lines = [
            (points[m.generation - 1, m.parent], points[m.generation, m.index])  # type: ignore[index]
            for m in children
            if (m.parent != m.index) == copied
        ]
        if lines:
            alpha = 0.35 if rasterized else 0.8
            collection = LineCollection(lines, colors=colour, linewidths=width, alpha=alpha, label=name)
            collection.set_rasterized(rasterized)
            ax.add_collection(collection)
    if line := [points[place] for place in best if place in points]:
        label = "ancestors of the best" if len(line) > 1 else None
        ax.plot(*zip(*line, strict=True), color=ORANGE, linewidth=2.4, label=label)
    size = 3 if rasterized else 5
    for failed, mark, colour in ((False, "o", BLUE), (True, "X", VERMILLION)):
        places = [points[m.generation, m.index] for m in members if (m.score is None) == failed]
        _draw_marks(ax, places, mark, colour, size + 2 * failed, rasterized, "failed" if failed else None)
    ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    ax.set(xlabel="generation", ylabel=score)
    if ax.get_legend_handles_labels()[0]:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return figure


@_styled
def draw_hyperparameters(generations: Generations, best: Sequence[Place]) -> Figure:
    """The hyperparameters of every member by generation on log axes; better scores are darker."""
    members = [member for generation in generations for member in generation]
    names = sorted(members[0].hyperparameters)
    by_place = {(m.generation, m.index): m for m in members}
    rasterized = len(members) > _MAX_VECTOR_MARKS

    def x(member: Member) -> float:  # members of a generation lie side by side, so equal values stay visible
        return member.generation + 0.6 * ((member.index + 0.5) / len(generations[0]) - 0.5)

    figure = _make_figure(4.6, 0.5 + 1.25 * len(names))
    axes = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    scored = sorted((m for m in members if m.score is not None), key=lambda m: m.score or 0.0)
    shades = None
    for ax, name in zip(axes, names, strict=True):
        if scored:
            shades = ax.scatter(
                [x(m) for m in scored],
                [m.hyperparameters[name] for m in scored],
                c=[m.score for m in scored],
                cmap="cividis_r",
                s=9 if rasterized else 24,
                edgecolors=GREY,
                linewidths=0.2 if rasterized else 0.4,
                rasterized=rasterized,
            )
        failed = [(x(m), m.hyperparameters[name]) for m in members if m.score is None]
        _draw_marks(ax, failed, "x", VERMILLION, 3 if rasterized else 5, rasterized)
        line = [by_place[place] for place in best if place in by_place]
        ax.plot([x(m) for m in line], [m.hyperparameters[name] for m in line], color=ORANGE, linewidth=1.8)
        values = [m.hyperparameters[name] for m in members]
        if min(values) > 0:
            _set_log_scale(ax, min(values), max(values))
        ax.set_ylabel(name.replace("_", " "))
        ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes[-1].set_xlabel("generation")
    if shades is not None:
        figure.colorbar(shades, ax=list(axes), label="score", fraction=0.05)
    return figure


def _set_log_scale(ax: Axes, low: float, high: float) -> None:
    """A log scale with a few plain numbers as ticks."""
    ax.set_yscale("log")
    ax.set_ylim(low / 1.5, high * 1.5)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [tick for tick in ticks if low / 1.5 <= tick <= high * 1.5]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def _draw_marks(
    ax: Axes, places: Sequence, mark: str, colour: str, size: float, rasterized: bool, label: str | None = None
) -> None:
    if places:
        x, y = zip(*places, strict=True)
        edge = float(mark == "x")
        ax.plot(
            x, y, mark, label=label, color=colour, markersize=size, markeredgewidth=edge, rasterized=rasterized
        )  # fmt: skip


def _shorten(name: str, width: int = 16) -> str:
    return name if len(name) <= width else name[: width - 2] + ".."
