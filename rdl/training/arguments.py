"""Checks the arguments of `Trainer.train`."""

from collections.abc import Mapping

import numpy as np

from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.models.vae import Ensemble


def check_arguments(
    model: Ensemble,
    images: ImageSet,
    num_images: int,
    batch_size: int,
    hyperparameters: Mapping[str, float] | None,
    replicas: int,
) -> dict[str, float]:
    """Checks the arguments; returns all hyperparameters of the objective.

    Raises:
      UserError: an argument does not fit the model, or is out of range.
    """
    if tuple(images.shape) != model.image_shape:
        raise UserError(
            f"Expected images of shape {model.image_shape}, got {tuple(images.shape)} from {images.name!r}: build the "
            f"model with image_shape={tuple(images.shape)}."
        )
    if batch_size < max(2, replicas):
        raise UserError(
            f"batch_size must be at least 2 and at least the number of replicas, which is {replicas}, got "
            f"{batch_size}: set a larger one."
        )
    if num_images < 1 or len(images) < 1:
        raise UserError(f"Expected images to train on, got num_images={num_images} of {len(images)}.")
    unknown = sorted(set(hyperparameters or {}) - set(model.hyperparameters))
    if unknown:
        known = ", ".join(sorted(model.hyperparameters))
        raise UserError(f"hyperparameters must be of the objective ({known}), got {unknown[0]!r}: remove it.")
    return model.hyperparameters | {name: float(value) for name, value in (hyperparameters or {}).items()}


def check_labels(model: Ensemble, images: ImageSet, labels: np.ndarray | None) -> np.ndarray:
    """Checks the labels of all images; returns them as float32, or a table without columns if there are none.

    Raises:
      UserError: the labels do not fit the images or the model.
    """
    if labels is None:
        return np.zeros((len(images), 0), np.float32)
    if not model.takes_batch_labels:
        raise UserError(
            "The images have labels, but the objective takes none: set model.objective = @pooled_labels and "
            "pooled_labels.objective = @beta_tc_vae."
        )
    if labels.ndim != 2 or len(labels) != len(images) or labels.shape[1] > model.num_latents:
        raise UserError(
            f"Expected labels of {len(images)} images, at most {model.num_latents}, one for each latent, got "
            f"{labels.shape}: set a larger model.num_latents."
        )
    return labels.astype(np.float32)
