"""Mutual information gap with learned labels, for a final run that has labels in its loss."""

import numpy as np

from rdl.config.ranges import Bins, Points
from rdl.data import ImageSet
from rdl.posterior import mean_kl_to_prior
from rdl.scoring.scores import Encode, Scored
from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.metrics import utils


class LabelMIGScore:
    """MIG with each label on the images that carry it: mean over the labels of the gap over the label's entropy.

    Latents and labels are cut into `num_bins` bins of equal width over these images.

    Args:
      labels: float32 [images, labels], NaN where an image does not carry the label.
      points: largest number of images on which a label is compared.
      num_bins: number of bins.
      seed: of these images, which are the same for all members and generations.
    """

    name = "label MIG"

    def __init__(self, labels: np.ndarray, points: Points = 10_000, num_bins: Bins = 20, *, seed: int = 0):
        self._num_bins = num_bins
        chosen = []
        for number, label in enumerate(labels.T):
            carried = np.flatnonzero(np.isfinite(label))
            order = generator(seed, "label_mig", number).permutation(len(carried))[:points]
            chosen.append(np.sort(carried[order]))
        self._indices = np.unique(np.concatenate(chosen))
        self._rows = [np.searchsorted(self._indices, each) for each in chosen]
        self._labels = [label[each] for label, each in zip(labels.T, chosen, strict=True)]

    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        """The mean of the models' scores. The points were drawn before, so that `seed` has no effect."""
        means, log_variances = encode(self._indices)
        gaps = [[self._gap(codes[rows], label) for rows, label in zip(self._rows, self._labels, strict=True)]
                for codes in means]  # fmt: skip
        per_model = [float(np.mean(of_labels)) for of_labels in gaps]
        return Scored(
            float(np.mean(per_model)), per_model, mean_kl_to_prior(means, log_variances).tolist(), {"label_mig": gaps}
        )

    def _gap(self, codes: np.ndarray, label: np.ndarray) -> float:
        columns = utils.make_discretizer(label[None], self._num_bins, None)
        entropy = float(utils.discrete_entropy(columns)[0])
        latents = utils.make_discretizer(codes.T, self._num_bins, None)
        information = np.sort(utils.discrete_mutual_info(latents, columns)[:, 0])
        return float(information[-1] - information[-2]) / entropy if entropy > 0 else 0.0
