"""The posteriors of an ensemble for many images, in batches."""

import numpy as np

from rdl.data import ImageSet
from rdl.models.vae import Ensemble
from rdl.training.batches import prefetch


def posterior_parameters(
    model: Ensemble, images: ImageSet, indices: np.ndarray | None = None, batch_size: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """(means, log variances) of every model for `images.images(indices)`, each float32 [models, n, latents].

    Args:
      model: the ensemble; batch norm uses its moving averages.
      images: the image set.
      indices: of the images, [n]; None: all.
      batch_size: images encoded at once.
    """
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    parts = [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]
    shape = (len(model), len(indices), model.num_latents)
    means, log_variances = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for i, batch in enumerate(prefetch(images.images, parts)):
        rows = slice(i * batch_size, i * batch_size + len(batch))
        mean, log_variance = model.posterior_parameters(batch)
        means[:, rows], log_variances[:, rows] = mean.numpy(), log_variance.numpy()
    return means, log_variances
