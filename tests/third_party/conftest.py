"""Makes the modules of this folder importable, and reads the reference scores."""

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def expected(shared):
    return json.loads((shared / "oracle" / "expected.json").read_text())


@pytest.fixture(scope="session")
def reference_arrays(shared):
    """Arrays of a case, [n, ...] first: `arrays(case)["codes_train"]` and intermediate results of the library."""

    @functools.cache
    def load(case):
        with np.load(shared / "oracle" / f"{case}.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        for name, key in (("codes", "mus"), ("factors", "ys")):
            for part in ("train", "test"):
                if f"{key}_{part}" in arrays:
                    arrays[f"{name}_{part}"] = arrays[f"{key}_{part}"].T
        return arrays

    return load
