"""What trained models say about images: means and log variances of q(z | x)."""

import numpy as np

from rdl.models.vae import Ensemble
from rdl.training.batches import prefetch


def posterior_parameters(
    model: Ensemble, images, indices: np.ndarray | None = None, batch_size: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """(means, log variances) of every model for `images.images(indices)`, float32 [models, n, latents] each.

    Args:
      model: the ensemble; batch norm uses its moving averages.
      images: an `ImageSet`.
      indices: [n] which images; all of them if None.
      batch_size: images encoded at once.
    """
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    parts = [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]
    shape = (len(model), len(indices), model.num_latents)
    means, log_variances = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for i, chunk in enumerate(prefetch(images.images, parts)):
        rows = slice(i * batch_size, i * batch_size + len(chunk))
        mean, log_variance = model.posterior_parameters(chunk)
        means[:, rows], log_variances[:, rows] = mean.numpy(), log_variance.numpy()
    return means, log_variances
