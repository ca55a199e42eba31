"""The rendered scenes and rooms: every state once, smooth edges, nothing cut off."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from rdl import data


def drawn_by(name: str):
    """The module benchmarks/NAME.py."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenes, rooms = drawn_by("scenes"), drawn_by("rooms")


@pytest.mark.parametrize(("drawing", "count"), [(scenes, 13_824), (rooms, 15_552)], ids=["scenes", "rooms"])
def test_every_state_is_drawn_once_and_looks_like_no_other(drawing, count):
    images, factors = drawing.draw()
    assert images.shape == (count, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(factors, axis=0)) == count
    assert len(np.unique(images.reshape(count, -1), axis=0)) == count


@pytest.mark.parametrize(
    ("drawing", "places"),
    [(scenes, ((0, 0), (5, 5), (2, 3))), (rooms, tuple((x,) for x in range(6)))],
    ids=["scenes", "rooms"],
)
def test_shapes_have_smooth_edges_alike_areas_and_lie_inside(drawing, places):
    for size in range(4):
        areas = []
        for shape in range(3):
            for place in places:
                mask = drawing.mask(shape, size, *place)
                assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()
                box_between_pixels = drawing is rooms and shape == 1  # has no pixel that it covers in part
                assert box_between_pixels or ((mask > 0) & (mask < 1)).any()
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
