"""Plateaus of a trained model's labels (see make_trained_labels.py): images of 8 x 8 positions.

After half of the training, the 8 steps of each position still overlap. After all of it, 1 to 4 % of the images lie in
a neighbour's step.
"""

from pathlib import Path

import gin
import numpy as np
import pytest

from rdl.recursion import find_plateaus, reduce_images


@pytest.fixture(scope="module")
def trained():
    with np.load(Path(__file__).with_name("trained_labels.npz"), allow_pickle=False) as arrays:
        return dict(arrays)


def position_of(label, positions):
    """The position that correlates most with the label."""
    correlations = [abs(np.corrcoef(label, column)[0, 1]) for column in positions.T]
    assert max(correlations) > 0.9
    return positions[:, int(np.argmax(correlations))]


def commonest_share(values):
    return np.bincount(values).max() / len(values)


def test_labels_follow_one_position_each(trained):
    for steps in (1500, 5000):
        labels = trained[f"labels_{steps}"]
        columns = [position_of(label, trained["positions"]) for label in labels.T]
        assert labels.shape == (2880, 2)
        assert not np.array_equal(*columns)


@pytest.mark.parametrize("column", [0, 1])
def test_density_cuts_trained_labels_at_their_eight_positions(trained, column):
    label = trained["labels_5000"][:, column]
    position, order = position_of(label, trained["positions"]), np.argsort(label)
    record = find_plateaus(label, "density")
    assert len(record.plateaus) == 8
    commonest = [np.bincount(position[order[s.start : s.stop]]).argmax() for s in record.plateaus]
    assert sorted(commonest) == list(range(8))
    assert min(commonest_share(position[order[s.start : s.stop]]) for s in record.plateaus) > 0.85


@pytest.mark.parametrize("method", ["differences", "density"])
def test_images_kept_by_trained_labels_share_both_positions(trained, method):
    gin.bind_parameter("find_plateaus.method", method)
    starts = []
    for x_peak in range(3):
        kept = list(reduce_images(trained["labels_5000"], choice=x_peak).kept)
        assert 40 <= len(kept) <= 50  # 2,880 images in 64 cells
        assert all(commonest_share(column[kept]) > 0.85 for column in trained["positions"].T)
        starts.append([np.bincount(column[kept]).argmax() for column in trained["positions"].T])
    assert all(len(set(values)) == 3 for values in np.transpose(starts))


def test_density_keeps_purer_images_of_half_trained_labels(trained):
    shares = {}
    for method in ("differences", "density"):
        gin.bind_parameter("find_plateaus.method", method)
        kept = [list(reduce_images(trained["labels_1500"], choice=x_peak).kept) for x_peak in range(3)]
        shares[method] = [commonest_share(column[k]) for k in kept for column in trained["positions"].T]
    assert min(shares["differences"]) < 0.35
    assert min(shares["density"]) > 0.6
    assert np.mean(shares["density"]) > np.mean(shares["differences"]) + 0.15
