"""Some hundreds of bad inputs per entry point: each is accepted, or refused in one line. `many.py` tries many more."""

import automatic_run
import data_entry_points
import entry_points
import pytest
import run_entry_points
from opening import outcome

from rdl.data.sets import objects
from rdl.seeds import generator

ENTRY_POINTS = (
    entry_points.ENTRY_POINTS
    | data_entry_points.ENTRY_POINTS
    | run_entry_points.ENTRY_POINTS
    | automatic_run.ENTRY_POINTS
)
CASES = {"images in npz": 200, "pictures": 100, "official files": 150, "caches": 100, "models": 15}
CASES |= {"files of arrays": 150, "label files": 150, "tables": 150, "arrays in memory": 200}
CASES |= {"journals and run directories": 75, "studies": 75}
ALWAYS_ACCEPTED = ("caches", "journals and run directories")  # damaged parts are made again, or left out


@pytest.fixture(autouse=True)
def places(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RDL_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DISENTANGLEMENT_LIB_DATA", str(tmp_path_factory.mktemp("official")))
    for name in ("_SHAPES3D", "_MPI3D_SIZES", "_NORB_SIZES"):  # an entry point makes them smaller
        monkeypatch.setattr(objects, name, getattr(objects, name))


@pytest.mark.parametrize("name", ENTRY_POINTS)
@pytest.mark.filterwarnings("ignore")
def test_bad_input_gives_one_line_or_is_accepted(tmp_path, name):
    enter, seen = ENTRY_POINTS[name](tmp_path), {"clean": 0, "handled": 0}
    for number in range(CASES.get(name, 300)):
        kind, message = outcome(lambda number=number: enter(generator(0, "fuzz", name, number)))
        assert kind in seen, f"case {number} of '{name}': {message}"
        seen[kind] += 1
    assert seen["clean"] > 5 or name in ALWAYS_ACCEPTED, "too few cases are refused"
