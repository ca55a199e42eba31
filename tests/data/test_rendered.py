"""The rendered data sets: every combination of factors once, smooth edges, shapes within the image."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rdl import data

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import rooms
import scenes
import solids


@pytest.mark.parametrize(
    ("module", "count"), [(scenes, 13_824), (rooms, 15_552), (solids, 12_000)], ids=["scenes", "rooms", "solids"]
)
def test_every_combination_occurs_once_and_no_two_images_are_equal(module, count):
    images, factors = module.render()
    assert images.shape == (count, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(factors, axis=0)) == count
    assert len(np.unique(images.reshape(count, -1), axis=0)) == count


@pytest.mark.parametrize(
    ("module", "places"),
    [(scenes, ((0, 0), (5, 5), (2, 3))), (rooms, tuple((x,) for x in range(6)))],
    ids=["scenes", "rooms"],
)
def test_shapes_have_smooth_edges_similar_areas_and_lie_inside(module, places):
    for size in range(4):
        areas = []
        for shape in range(3):
            for place in places:
                mask = module.mask(shape, size, *place)
                assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()
                box_between_pixels = module is rooms and shape == 1  # covers whole pixels only
                assert box_between_pixels or ((mask > 0) & (mask < 1)).any()
                areas.append(mask.sum())
        assert np.ptp(areas) < 0.1 * np.mean(areas)


def test_solids_are_shaded_and_turn_with_the_azimuth():
    light = [solids.shade(2, 3, azimuth) for azimuth in range(8)]
    assert all(image.min() >= 0 and image.sum(axis=2).max() <= 1 for image in light)
    shades = np.unique(light[2][..., solids.OBJECT].round(3))
    assert len(shades) > 2, "the faces of a cube differ in brightness"
    assert all(np.abs(one - two).max() > 0.1 for one, two in zip(light, light[1:], strict=False))


def test_a_folder_of_scenes_and_its_labels_are_loaded(tmp_path):
    images, factors = scenes.render()
    labels = scenes.write_folder(images, factors, tmp_path / "folder", 20)
    found = data.load(str(tmp_path / "folder"), factors=str(labels))
    assert found.factor_space.names == tuple(scenes.FACTORS)
    chosen = np.random.default_rng(0).permutation(len(images))[:20]
    np.testing.assert_array_equal(found.images(np.arange(20)), images[chosen])
    np.testing.assert_array_equal(found.factors([3])[0, 2:4] - found.factors([7])[0, 2:4],
                                  factors[chosen[3]][2:4] - factors[chosen[7]][2:4])  # fmt: skip
