"""Some hundreds of bad inputs at every door: each is taken, or told in one line. `many.py` tries many more."""

import doors
import front_door
import pytest
import run_doors
from opening import outcome

from rdl.data.sets import objects
from rdl.seeds import generator

DOORS = doors.DOORS | run_doors.DOORS | front_door.DOORS
CASES = {"images in npz": 200, "pictures": 150, "official files": 200, "caches": 100, "models": 15}
CASES |= {"journals and run directories": 75, "studies": 75}
ALWAYS_TAKEN = ("caches", "journals and run directories")  # what is damaged in them is made again, or left out


@pytest.fixture(autouse=True)
def places(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RDL_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DISENTANGLEMENT_LIB_DATA", str(tmp_path_factory.mktemp("official")))
    for name in ("_SHAPES3D", "_MPI3D_SIZES", "_NORB_SIZES"):  # a door makes them smaller
        monkeypatch.setattr(objects, name, getattr(objects, name))


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.filterwarnings("ignore")
def test_nothing_bad_gets_through(tmp_path, name):
    door, seen = DOORS[name](tmp_path), {"clean": 0, "handled": 0}
    for number in range(CASES.get(name, 300)):
        kind, told = outcome(lambda number=number: door(generator(0, "fuzz", name, number)))
        assert kind in seen, f"case {number} of '{name}': {told}"
        seen[kind] += 1
    assert seen["clean"] > 5 or name in ALWAYS_TAKEN, "the cases are hardly bad"
