"""The rendered rooms: every state once, things of alike areas, with smooth edges, that lie inside."""

import importlib.util
from pathlib import Path

import numpy as np

_path = Path(__file__).resolve().parents[2] / "benchmarks" / "rooms.py"
_spec = importlib.util.spec_from_file_location("rooms", _path)
assert _spec and _spec.loader
rooms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rooms)


def test_every_state_is_drawn_once_and_looks_like_no_other():
    images, factors = rooms.draw()
    assert images.shape == (15_552, 32, 32, 3) and images.dtype == np.uint8
    assert len(np.unique(factors, axis=0)) == 15_552
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 15_552


def test_things_have_smooth_edges_alike_areas_and_lie_inside():
    for size in range(4):
        areas = []
        for shape in range(3):
            for x in range(6):
                mask = rooms.mask(shape, size, x)
                assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()
                assert shape == 1 or ((mask > 0) & (mask < 1)).any()  # a box's may fall between pixels
                areas.append(mask.sum())
        assert np.ptp(areas) < 0.1 * np.mean(areas)
