"""Pictures of what a model's latents do."""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rdl.data import ImageSet
from rdl.data.display import to_rgb
from rdl.models.saving.saved import TrainedModel
from rdl.posterior import VERDICT_INACTIVE_KL, mean_kl_to_prior
from rdl.report.gallery import tile
from rdl.seeds import generator

_VALUES = np.linspace(-2, 2, 9).tolist()


def traversals(
    model: TrainedModel, image: np.ndarray, kl: np.ndarray, least_kl: float = VERDICT_INACTIVE_KL
) -> Image.Image:
    """One row of images per active latent, the one with the most information first; from -2 to 2.

    Args:
      model: the trained model.
      image: uint8 [height, width, channels], where the other latents stay.
      kl: mean KL to the prior per latent, nats [latents].
      least_kl: latents with less are left out (unless all have less).
    """
    order, values = _active(kl, least_kl), _VALUES
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9}):
        figure = Figure(figsize=(0.75 * (len(values) + 1.8), 0.75 * len(order) + 0.6), dpi=120, layout="constrained")
        axes = figure.subplots(len(order), len(values), squeeze=False)
        for row, latent in zip(axes, order, strict=True):
            for ax, frame in zip(row, model.traverse(image, latent, values), strict=True):
                ax.imshow(to_rgb(frame), interpolation="nearest")
                ax.set_xticks([])
                ax.set_yticks([])
            row[0].set_ylabel(f"z{latent}\n{kl[latent]:.2f} nats", rotation=0, ha="right", va="center")
        for ax, value in zip(axes[0], values, strict=True):
            ax.set_title(f"{value:g}", fontsize=9)
        figure.suptitle("Each row moves one latent from -2 to 2; the others stay as the encoder gave them", fontsize=9)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def glance(
    model: TrainedModel, images: ImageSet, seed: int, count: int = 12, least_kl: float = VERDICT_INACTIVE_KL
) -> dict[str, np.ndarray]:
    """``reconstructions`` (originals above) and ``traversals`` (a row per active latent): uint8 [h, w, 3].

    The run's ``seed`` decides which ``count`` images are shown.
    """
    few = np.sort(generator(seed, "glance").permutation(len(images))[:count])
    pixels = images.images(few)
    posterior = model.posterior(pixels)
    means = np.asarray(posterior.loc)
    kl = mean_kl_to_prior(means, np.asarray(posterior.log_variance))
    moved = np.concatenate([model.traverse(pixels[0], latent, _VALUES) for latent in _active(kl, least_kl)])
    shown = {
        "reconstructions": (np.concatenate([pixels, _as_uint8(model.decode(means))]), len(pixels)),
        "traversals": (_as_uint8(moved), len(_VALUES)),
    }
    zoom = max(1, 48 // max(images.shape[:2]))
    return {
        name: tile(to_rgb(frames).repeat(zoom, axis=1).repeat(zoom, axis=2), columns)
        for name, (frames, columns) in shown.items()
    }


def _active(kl: np.ndarray, least_kl: float) -> list[int]:
    """Latents that hold information, the one with the most first; that one alone where none does."""
    return [int(latent) for latent in np.argsort(-kl) if kl[latent] > least_kl] or [int(np.argmax(kl))]


def _as_uint8(probabilities: np.ndarray) -> np.ndarray:
    return np.round(probabilities * 255).astype(np.uint8)
