"""Leaf labels: nested sets of images, saving and loading."""

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.recursion import LeafLabels


@pytest.fixture
def leaf():
    generator = np.random.default_rng(0)
    leaf = LeafLabels().add(np.arange(50), generator.standard_normal((50, 3)))
    return leaf.add([3, 40, 17, 9], generator.standard_normal((4, 1)), [True])


def test_loaded_labels_equal_the_saved_ones(leaf, tmp_path):
    leaf.save(tmp_path / "leaf.npz")
    loaded = LeafLabels.load(tmp_path / "leaf.npz")
    assert len(loaded) == 2
    for name in ("indices", "labels", "repeats"):
        for old, new in zip(getattr(leaf, name), getattr(loaded, name), strict=True):
            assert old.dtype == new.dtype
            np.testing.assert_array_equal(old, new)


def test_repeats_of_another_shape_are_refused(leaf):
    with pytest.raises(UserError, match=r"repeats \[learned\]"):
        leaf.add([9, 3], [[1.0], [2.0]], [True, False])


def test_empty_labels_can_be_saved_and_loaded(tmp_path):
    LeafLabels().save(tmp_path / "leaf.npz")
    assert len(LeafLabels.load(tmp_path / "leaf.npz")) == 0


def test_adding_does_not_change_the_old_labels(leaf):
    longer = leaf.add([9, 3], [[1.0], [2.0]])
    assert (len(leaf), len(longer)) == (2, 3)


@pytest.mark.parametrize(
    ("indices", "labels", "message"),
    [
        ([1, 2], [[1.0]], "indices .n. and labels"),
        ([], np.zeros((0, 1)), "not empty"),
        ([1, 2], np.zeros((2, 0)), "not empty"),
        ([3, 3], [[1.0], [2.0]], "once"),
        ([-3, 3], [[1.0], [2.0]], "from 0"),
        ([0.5, 3], [[1.0], [2.0]], "integers"),
        ([3, 4], [[1.0], [2.0]], "that iteration 1 did not"),
        ([3, 9], [[1.0], [1.0]], "constant"),
        ([3, 9], [[1.0], [np.nan]], "not finite"),
    ],
)
def test_invalid_labels_are_refused(leaf, indices, labels, message):
    with pytest.raises(UserError, match=message):
        leaf.add(np.asarray(indices), labels)


def test_errors_name_the_damaged_file(leaf, tmp_path):
    path = tmp_path / "leaf.npz"
    with pytest.raises(UserError, match="leaf.npz is not a file of leaf labels"):
        LeafLabels.load(path)
    leaf.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="leaf.npz"):
        LeafLabels.load(path)
    np.savez(path, indices_0=np.arange(3), other=np.zeros((3, 1)))
    with pytest.raises(UserError, match="labels_0"):
        LeafLabels.load(path)
    np.savez(path, codes=np.zeros((3, 1)))
    with pytest.raises(UserError, match="codes"):
        LeafLabels.load(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(UserError, match="array.npy"):
        LeafLabels.load(tmp_path / "array.npy")


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "leaf.npz"
    np.savez(path, indices_0=np.array([{"a": 1}, None], object), labels_0=np.zeros((2, 1)))
    with pytest.raises(UserError, match="leaf.npz"):
        LeafLabels.load(path)
