"""The step's speed relative to plain Keras, against the record. This is the only test that times anything."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rdl import kernels

ROOT = Path(__file__).resolve().parents[2]
TOLERATED = 0.8  # of the recorded ratio: the test fails if a fifth of the speed is lost
RATIOS = ("ratio_to_keras_as_installed", "ratio_to_keras_with_equal_kernels")


def recorded_rows() -> dict[str, dict]:
    """{precision: row} of this kind of processor and these kernels, for the reference network at batch 64."""
    spec = importlib.util.spec_from_file_location("measuring", ROOT / "benchmarks" / "measuring.py")
    measuring = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measuring)
    kind = {"flags": measuring.processor_flags(), "kernels": kernels.selected()}
    wanted = kind | {"network": "reference", "batch_size": 64}
    rows = json.loads((ROOT / "benchmarks" / "record.json").read_text())["rows"]
    found = {row["precision"]: row for row in rows if wanted.items() <= row.items()}
    if not found:
        pytest.skip(f"benchmarks/record.json has no row of {kind}: add one by train_step.py --record")
    return found


@pytest.mark.slow
def test_the_step_keeps_its_recorded_ratio_to_plain_keras():
    rows = recorded_rows()
    command = [sys.executable, "benchmarks/train_step.py", "--batch_sizes=64", "--images=1024", "--rounds=4"]
    ended = subprocess.run(
        [*command, f"--precisions={','.join(rows)}"],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    measured = {line["precision"]: line for line in lines if RATIOS[0] in line}
    assert measured.keys() == rows.keys()
    for precision, row in rows.items():
        for ratio in RATIOS:
            found, recorded = measured[precision][ratio], row[ratio]
            assert found >= TOLERATED * recorded, f"{precision}, {ratio}: {found}, recorded {recorded}"
