"""The rendered scenes: every state once, smooth edges, nothing cut off."""

import importlib.util
from pathlib import Path

import numpy as np

from rdl import data

_path = Path(__file__).resolve().parents[2] / "benchmarks" / "scenes.py"
_spec = importlib.util.spec_from_file_location("scenes", _path)
assert _spec and _spec.loader
scenes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(scenes)


def test_every_state_is_drawn_once_and_looks_like_no_other():
    images, factors = scenes.draw()
    assert images.shape == (13_824, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(factors, axis=0)) == 13_824
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 13_824


def test_shapes_have_smooth_edges_alike_areas_and_lie_inside():
    for size in range(4):
        areas = []
        for shape in range(3):
            for x, y in ((0, 0), (5, 5), (2, 3)):
                mask = scenes.mask(shape, size, x, y)
                assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()
                assert ((mask > 0) & (mask < 1)).any()
                areas.append(mask.sum())
        assert np.ptp(areas) < 0.1 * np.mean(areas)


def test_a_folder_of_scenes_and_its_labels_are_read_as_a_users_own(tmp_path):
    images, factors = scenes.draw()
    labels = scenes.as_folder(images, factors, tmp_path / "folder", 20)
    found = data.load(str(tmp_path / "folder"), factors=str(labels))
    assert found.factor_space.names == tuple(scenes.FACTORS)
    chosen = np.random.default_rng(0).permutation(len(images))[:20]
    np.testing.assert_array_equal(found.images(np.arange(20)), images[chosen])
    np.testing.assert_array_equal(found.factors([3])[0, 2:4] - found.factors([7])[0, 2:4],
                                  factors[chosen[3]][2:4] - factors[chosen[7]][2:4])  # fmt: skip
