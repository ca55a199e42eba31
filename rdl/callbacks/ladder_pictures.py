"""Pictures of what each level of a ladder has learned to look at; levels stand deepest first."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rdl.data.display import to_rgb
from rdl.models.ladder.levels import Levels
from rdl.models.saving.saved import TrainedModel
from rdl.seeds import generator

_VALUES = np.linspace(-2.5, 2.5, 9)  # the paper's
_STYLE: dict[Any, Any] = {"font.family": "DejaVu Sans", "font.size": 9}


def traversals(model: TrainedModel, levels: Levels, image: np.ndarray, kl: np.ndarray, title: str) -> Image.Image:
    """A row of images per latent, which moves from -2.5 to 2.5 while the others stay as the encoder gave them.

    Args:
      model: the ladder.
      levels: its levels.
      image: uint8 [height, width, channels].
      kl: mean KL to the prior per latent, nats [latents].
      title: above the picture.
    """
    with matplotlib.rc_context(_STYLE):
        shape = levels.num_latents, len(_VALUES)
        figure = Figure(figsize=(0.75 * (shape[1] + 2.4), 0.75 * shape[0] + 0.6), dpi=120, layout="constrained")
        for latent, row in enumerate(figure.subplots(*shape, squeeze=False)):
            for ax, frame, value in zip(row, model.traverse(image, latent, _VALUES.tolist()), _VALUES, strict=True):
                _show(ax, frame, f"{value:.3g}" if latent == 0 else "")
            label = f"{_describe(levels.name_of(latent))}, z{latent}\n{kl[latent]:.2f} nats"
            row[0].set_ylabel(label, rotation=0, ha="right", va="center")
        figure.suptitle(title, fontsize=9)
        return _drawn(figure)


def samples(model: TrainedModel, levels: Levels, image: np.ndarray, seed: int, side: int = 6) -> Image.Image:
    """For each level `side` x `side` images: its latents drawn from the prior, the others as the encoder gave them."""
    random = generator(seed, "level samples")
    fixed = np.repeat(model.encode(image)[:1], side * side, axis=0)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(3.4 * (len(levels) + 0.4), 3.7), dpi=120, layout="constrained")
        axes = figure.subplots(1, len(levels) + 1, width_ratios=[0.4] + [1] * len(levels))
        _show(axes[0], image / 255.0, "the image")
        for ax, name, where in zip(axes[1:], levels.names, levels.slices, strict=True):
            latents = fixed.copy()
            latents[:, where] = random.standard_normal(latents[:, where].shape)
            _show(ax, _tiled(model.decode(latents), side), f"{_describe(name)} drawn, the others fixed")
        return _drawn(figure)


def animation(model: TrainedModel, levels: Levels, image: np.ndarray, frames: int = 16) -> list[Image.Image]:
    """All latents move from -2.5 to 2.5 and back, each in a tile of its own: a row per level."""
    values = 2.5 * np.sin(np.linspace(0, 2 * np.pi, frames, endpoint=False))
    moving = [model.traverse(image, latent, values.tolist()) for latent in range(levels.num_latents)]
    zoom = max(1, 64 // image.shape[0])
    pictures = []
    for frame in range(frames):
        rows = [np.concatenate([_framed(moving[z][frame]) for z in range(levels.num_latents)[where]], axis=1)
                for where in levels.slices]  # fmt: skip
        width = max(row.shape[1] for row in rows)
        rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=1.0) for row in rows]
        pixels = np.kron(np.concatenate(rows), np.ones((zoom, zoom, 1)))
        pictures.append(_as_image(pixels))
    return pictures


def information(history: np.ndarray, updates: Sequence[int], levels: Levels, starts: Sequence[int]) -> Image.Image:
    """KL to the prior against training: bold per level, thin per latent; dashed where a step begins.

    Args:
      history: mean KL, nats [generations, latents].
      updates: made by the end of each generation.
      levels: of the latents.
      starts: the updates at which steps begin.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), dpi=120, layout="constrained")
        ax = figure.subplots()
        for number, (name, where) in enumerate(zip(levels.names, levels.slices, strict=True)):
            colour = f"C{number}"
            ax.plot(updates, history[:, where].sum(axis=1), color=colour, linewidth=2, label=_describe(name))
            ax.plot(updates, history[:, where], color=colour, linewidth=0.7, alpha=0.6)
        for start in starts:
            ax.axvline(start, color="0.5", linestyle="--", linewidth=0.8)
        ax.set(xlabel="updates", ylabel="KL(q(z|x) || p(z)), nats", ylim=(0, None), xlim=(0, None))
        ax.legend(frameon=False)
        return _drawn(figure)


def _describe(name: str) -> str:
    return name.replace("_", " ")


def _show(ax, frame: np.ndarray, title: str) -> None:
    ax.imshow(to_rgb(frame), interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    if title:
        ax.set_title(title, fontsize=9)


def _framed(frame: np.ndarray) -> np.ndarray:
    return np.pad(frame, ((1, 1), (1, 1), (0, 0)), constant_values=0.5)


def _tiled(frames: np.ndarray, side: int) -> np.ndarray:
    rows = [np.concatenate([_framed(f) for f in frames[i : i + side]], axis=1) for i in range(0, side * side, side)]
    return np.concatenate(rows)


def _as_image(pixels: np.ndarray) -> Image.Image:
    levels = np.round(255 * pixels).astype(np.uint8)
    return Image.fromarray(to_rgb(levels))


def _drawn(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
