"""Pictures of the latents of a ladder model by level, the deepest level first."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from rdl.callbacks.pictures import STYLE, draw_traversal_grid, render_figure, show_image
from rdl.data.display import to_rgb
from rdl.models.ladder.levels import Levels
from rdl.models.saving.saved import TrainedModel
from rdl.seeds import generator

_VALUES = np.linspace(-2.5, 2.5, 9).tolist()  # the paper's


def draw_level_traversals(
    model: TrainedModel, levels: Levels, image: np.ndarray, kl: np.ndarray, title: str
) -> Image.Image:
    """A row of images for each latent, with the latent set to values from -2.5 to 2.5.

    Args:
      model: the ladder.
      levels: its levels.
      image: uint8 [height, width, channels]; its code gives the values of the other latents.
      kl: mean KL to the prior per latent, nats [latents].
      title: of the picture.
    """
    latents = range(levels.num_latents)
    labels = [f"{_describe_level(levels.name_of(latent))}, z{latent}\n{kl[latent]:.2f} nats" for latent in latents]
    return draw_traversal_grid(model, image, latents, _VALUES, labels, title)


def draw_level_samples(model: TrainedModel, levels: Levels, image: np.ndarray, seed: int, side: int = 6) -> Image.Image:
    """``side`` x ``side`` images for each level: its latents sampled from the prior, the others from the encoder."""
    random = generator(seed, "level samples")
    fixed = np.repeat(model.encode(image)[:1], side * side, axis=0)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * (len(levels) + 0.4), 3.7), dpi=120, layout="constrained")
        axes = figure.subplots(1, len(levels) + 1, width_ratios=[0.4] + [1] * len(levels))
        show_image(axes[0], image / 255.0, "the image")
        for ax, name, latents in zip(axes[1:], levels.names, levels.slices, strict=True):
            codes = fixed.copy()
            codes[:, latents] = random.standard_normal(codes[:, latents].shape)
            show_image(
                ax, _tile_framed(model.decode(codes), side), f"{_describe_level(name)} sampled, the others fixed"
            )
        return render_figure(figure)


def animate_traversals(model: TrainedModel, levels: Levels, image: np.ndarray, frames: int = 16) -> list[Image.Image]:
    """Frames in which every latent moves from -2.5 to 2.5 and back in a tile of its own; a row for each level."""
    values = 2.5 * np.sin(np.linspace(0, 2 * np.pi, frames, endpoint=False))
    moving = [model.traverse(image, latent, values.tolist()) for latent in range(levels.num_latents)]
    zoom = max(1, 64 // image.shape[0])
    pictures = []
    for frame in range(frames):
        rows = [
            np.concatenate([_add_frame(moving[latent][frame]) for latent in range(levels.num_latents)[latents]], axis=1)
            for latents in levels.slices
        ]
        width = max(row.shape[1] for row in rows)
        rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=1.0) for row in rows]
        pixels = np.kron(np.concatenate(rows), np.ones((zoom, zoom, 1)))
        pictures.append(Image.fromarray(to_rgb(np.round(255 * pixels).astype(np.uint8))))
    return pictures


def draw_level_kl(history: np.ndarray, updates: Sequence[int], levels: Levels, starts: Sequence[int]) -> Image.Image:
    """KL to the prior by updates: bold lines are levels, thin ones latents, dashed ones the starts of steps.

    Args:
      history: mean KL, nats [generations, latents].
      updates: updates at the end of each generation.
      levels: of the latents.
      starts: updates at which steps begin.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.6), dpi=120, layout="constrained")
        ax = figure.subplots()
        for number, (name, latents) in enumerate(zip(levels.names, levels.slices, strict=True)):
            colour = f"C{number}"
            ax.plot(updates, history[:, latents].sum(axis=1), color=colour, linewidth=2, label=_describe_level(name))
            ax.plot(updates, history[:, latents], color=colour, linewidth=0.7, alpha=0.6)
        for start in starts:
            ax.axvline(start, color="0.5", linestyle="--", linewidth=0.8)
        ax.set(xlabel="updates", ylabel="KL(q(z|x) || p(z)), nats", ylim=(0, None), xlim=(0, None))
        ax.legend(frameon=False)
        return render_figure(figure)


def _describe_level(name: str) -> str:
    return name.replace("_", " ")


def _add_frame(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=0.5)


def _tile_framed(images: np.ndarray, side: int) -> np.ndarray:
    framed = [_add_frame(image) for image in images]
    return np.concatenate([np.concatenate(framed[i : i + side], axis=1) for i in range(0, side * side, side)])
