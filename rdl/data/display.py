"""Shows images of any number of channels in colour."""

import numpy as np


def to_rgb(images: np.ndarray) -> np.ndarray:
    """Images [.., channels] of any number of channels as RGB [.., 3] of the same type.

    Grey becomes grey, RGB stays. Of other numbers of channels the first is shown in red, the last in blue and those
    between in the colours between, so that no channel is invisible; equal channels give grey.
    """
    channels = images.shape[-1]
    if channels == 3:
        return images
    if channels == 1:
        return np.repeat(images, 3, axis=-1)
    place = np.linspace(0, 2, channels)[:, np.newaxis]
    weights = np.maximum(0, 1 - np.abs(place - np.arange(3)))  # [channels, 3]
    weights = np.where(weights.sum(axis=0) > 0, weights, 1.0)  # of two channels, green is the mean
    mixed = images.astype(np.float32) @ (weights / weights.sum(axis=0)).astype(np.float32)
    return np.rint(mixed).astype(images.dtype) if images.dtype.kind in "iu" else mixed.astype(images.dtype)
