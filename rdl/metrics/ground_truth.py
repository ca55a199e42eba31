"""A labelled image set as the ground-truth data of disentanglement_lib's metrics, each image encoded at most once.

In disentanglement_lib's form a metric draws factors, asks for an observation of each and encodes it. Here the
observations are numbers, by which the representation looks codes up. That saves encoding an image again, and allows
what the original form has no place for: training and test points from different images, continuous factors, and
factors with one value left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rdl.data import ImageSet
from rdl.metrics import splits
from rdl.metrics.labelled_points import LabelledPoints, read_points
from third_party.disentanglement_lib.evaluation.metrics.sampling import IMAGES, EncodedStates, encode_once

Encode = Callable[[np.ndarray], np.ndarray]
"""Observations [n, height, width, channels] -> codes [n, latents]."""
TEST_SHARE = 1 / 3
MOST_SPLIT = 100_000
"""Sets with more images are not split: of 10,000 points drawn from these, less than a tenth are in training too."""
_STUDIED = {"cars3d": 17_568, "smallnorb": 24_300}
"""Smaller data sets of disentanglement_lib's study: these keep its draws, in which points are in training and test."""


def prepare_points(images: ImageSet, encode: Encode) -> tuple[Any, Encode, LabelledPoints]:
    """Ground-truth data, its representation function, and the labelled points.

    A complete grid keeps disentanglement_lib's draws, number for number. Images whose pixels are drawn anew at every
    observation are encoded at every observation, and are not split.

    Args:
      images: with factors.
      encode: of the model.
    """
    points = read_points(images)
    if images.source.stochastic:
        return images, encode, points
    complete = len(points.columns) == images.num_factors and not points.continuous.any()
    if complete and isinstance(encode_once(images, encode)[0], EncodedStates):
        states = _SplitStates(images, encode, points)
        return states, states.representation, points
    by_image = EncodedImages(images, encode, points)
    return by_image, by_image.representation, points


class DrawnPoints:
    """Some images, drawn with replacement: the training or the test images of a metric.

    Args:
      factors: of the images, [n, factors].
      observations: their numbers, int64 [n].
      continuous_factors: bool [factors].
    """

    def __init__(self, factors: np.ndarray, observations: np.ndarray, continuous_factors: np.ndarray):
        self._factors, self._observations, self.continuous_factors = factors, observations, continuous_factors

    def sample(self, num: int, random_state: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """Drawn factors [num, factors] and observations [num]."""
        rows = random_state.randint(len(self._observations), size=num)
        return self._factors[rows], self._observations[rows]


def split_images(
    images: ImageSet, points: LabelledPoints, observations: np.ndarray
) -> tuple[DrawnPoints, DrawnPoints] | None:
    """Training and test images, with the number of each image's observation; None for sets that are not split."""
    if len(points.indices) > MOST_SPLIT or _STUDIED.get(images.name) == len(images):
        return None
    train, test = (
        DrawnPoints(points.factors[part], observations[part], points.continuous)
        for part in splits.split_points(points.factors, TEST_SHARE, 0, points.continuous)
    )
    return train, test


class _SplitStates(EncodedStates):
    """`EncodedStates` of a complete grid, with training and test images of their own."""

    def __init__(self, images: ImageSet, encode: Encode, points: LabelledPoints):
        super().__init__(images, encode)
        self._parts = split_images(images, points, self.states(points.factors.T))

    def train_test(self) -> tuple[Any, Any]:
        """The data that training and test points are drawn from; both this, as in the original, for large sets."""
        return self._parts or (self, self)


class EncodedImages:
    """Labelled images in any combination of factors; an observation is the index of an image.

    Factors are drawn as the image set draws them. Factors with one value are left out; the values of continuous factors
    take the place of their numbers.
    """

    def __init__(self, images: ImageSet, encode: Encode, points: LabelledPoints):
        self._images, self._encode, self._points = images, encode, points
        self._rows = np.full(len(images), -1)
        self._rows[points.indices] = np.arange(len(points.indices))
        self._constant = images.factors(points.indices[:1])[0]
        self._codes: np.ndarray | None = None
        self._known = np.zeros(len(images), dtype=bool)
        self._parts = split_images(images, points, points.indices)
        self.continuous_factors = points.continuous
        self.num_factors = len(points.columns)
        self.factors_num_values = [images.factors_num_values[column] for column in points.columns]
        self.observation_shape = images.observation_shape

    def train_test(self) -> tuple[Any, Any]:
        """The data that training and test points are drawn from."""
        return self._parts or (self, self)

    def sample_factors(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Drawn numbers of the factors' values, int64 [num, factors]."""
        return self._images.sample_factors(num, random_state)[:, self._points.columns]

    def sample_observations_from_factors(self, factors: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """An image for each row of numbers of the factors' values [n, factors]: int64 [n].

        Raises:
          UserError: no image has one of the combinations.
        """
        every = np.tile(self._constant, (len(factors), 1))
        every[:, self._points.columns] = factors
        return self._images.find(every, random_state)

    def sample(self, num: int, random_state: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """Drawn factors [num, factors], continuous ones by their values, and images [num]."""
        found = self.sample_observations(num, random_state)
        return self._points.factors[self._rows[found]], found

    def sample_observations(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Drawn images, int64 [num]."""
        return self.sample_observations_from_factors(self.sample_factors(num, random_state), random_state)

    def representation(self, observations: np.ndarray) -> np.ndarray:
        """Codes [..., latents] of images [...]; each image is encoded once, when it is first requested."""
        needed = np.unique(observations)
        needed = needed[~self._known[needed]]
        for start in range(0, len(needed), IMAGES):
            few = needed[start : start + IMAGES]
            codes = np.asarray(self._encode(self._images.images(few).astype(np.float32) / np.float32(255)))
            if self._codes is None:
                self._codes = np.empty((len(self._known), codes.shape[1]), codes.dtype)
            self._codes[few] = codes
            self._known[few] = True
        if self._codes is None:
            raise ValueError("representation: expected at least one observation, received none")
        return self._codes[observations]
