"""Pictures of a model's reconstructions and latent traversals."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rdl.data import ImageSet
from rdl.data.display import tile_images, to_rgb
from rdl.models.saving.saved import TrainedModel
from rdl.posterior import VERDICT_INACTIVE_KL, mean_kl_to_prior
from rdl.seeds import generator

STYLE: dict[str, Any] = {"font.family": "DejaVu Sans", "font.size": 9}
_VALUES = np.linspace(-2, 2, 9).tolist()


def draw_traversals(
    model: TrainedModel, image: np.ndarray, kl: np.ndarray, min_kl: float = VERDICT_INACTIVE_KL
) -> Image.Image:
    """A row of images for each active latent, in the order of KL, with the latent set to values from -2 to 2.

    Args:
      model: the trained model.
      image: uint8 [height, width, channels]; its code gives the values of the other latents.
      kl: mean KL to the prior per latent, nats [latents].
      min_kl: latents with a lower KL are left out, unless all have.
    """
    latents = _select_active(kl, min_kl)
    labels = [f"z{latent}\n{kl[latent]:.2f} nats" for latent in latents]
    title = "Each row changes one latent from -2 to 2; the other latents keep the values of the encoder"
    return draw_traversal_grid(model, image, latents, _VALUES, labels, title)


def draw_traversal_grid(
    model: TrainedModel,
    image: np.ndarray,
    latents: Sequence[int],
    values: Sequence[float],
    labels: Sequence[str],
    title: str,
) -> Image.Image:
    """Traversals of some latents: rows are latents with their labels, columns are values."""
    shape = len(latents), len(values)
    longest = max(len(line) for label in labels for line in label.split("\n"))
    with matplotlib.rc_context(STYLE):
        width = 0.75 * (shape[1] + 0.6 + 0.15 * longest)
        figure = Figure(figsize=(width, 0.75 * shape[0] + 0.6), dpi=120, layout="constrained")
        axes = figure.subplots(*shape, squeeze=False)
        for row, latent, label in zip(axes, latents, labels, strict=True):
            for ax, frame in zip(row, model.traverse(image, latent, list(values)), strict=True):
                show_image(ax, frame)
            row[0].set_ylabel(label, rotation=0, ha="right", va="center")
        for ax, value in zip(axes[0], values, strict=True):
            ax.set_title(f"{value:.3g}", fontsize=9)
        figure.suptitle(title, fontsize=9)
        return render_figure(figure)


def draw_thumbnails(
    model: TrainedModel, images: ImageSet, seed: int, count: int = 12, min_kl: float = VERDICT_INACTIVE_KL
) -> dict[str, np.ndarray]:
    """``reconstructions`` (originals above) and ``traversals`` (a row per active latent), uint8 [height, width, 3].

    Args:
      model: the trained model.
      images: of which ``count`` are shown.
      seed: selects the images.
      count: number of images.
      min_kl: as in `draw_traversals`.
    """
    few = np.sort(generator(seed, "glance").permutation(len(images))[:count])
    pixels = images.images(few)
    posterior = model.posterior(pixels)
    means = np.asarray(posterior.loc)
    kl = mean_kl_to_prior(means, np.asarray(posterior.log_variance))
    traversals = np.concatenate([model.traverse(pixels[0], latent, _VALUES) for latent in _select_active(kl, min_kl)])
    shown = {
        "reconstructions": (np.concatenate([pixels, _to_uint8(model.decode(means))]), len(pixels)),
        "traversals": (_to_uint8(traversals), len(_VALUES)),
    }
    zoom = max(1, 48 // max(images.shape[:2]))
    return {
        name: to_rgb(tile_images(frames.repeat(zoom, axis=1).repeat(zoom, axis=2), columns))
        for name, (frames, columns) in shown.items()
    }


def show_image(ax: Axes, image: np.ndarray, title: str = "") -> None:
    """Draws an image [height, width, channels] in [0, 1] without axes."""
    ax.imshow(np.clip(to_rgb(image), 0, 1), interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    if title:
        ax.set_title(title, fontsize=9)


def render_figure(figure: Figure) -> Image.Image:
    """A matplotlib figure as an RGB image."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _select_active(kl: np.ndarray, min_kl: float) -> list[int]:
    """The active latents in the order of KL; the one of the highest KL if none is active."""
    return [int(latent) for latent in np.argsort(-kl) if kl[latent] > min_kl] or [int(np.argmax(kl))]


def _to_uint8(images: np.ndarray) -> np.ndarray:
    return np.round(images * 255).astype(np.uint8)
