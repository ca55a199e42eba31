"""The step's speed against plain Keras in one run: the one test that times, since nothing else would tell a loss."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOST = 0.8  # of the recorded ratio: less than this is a fifth lost


def kind() -> str:
    """What this processor multiplies bfloat16 with."""
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() == "AVX2":
        return "none"
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    return next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags), "none")


@pytest.mark.slow
def test_step_keeps_its_recorded_ratio_to_plain_keras():
    record = json.loads((ROOT / "benchmarks" / "record.json").read_text())
    ratios = record["ratio to plain Keras in float32 by what the processor multiplies bfloat16 with"].get(kind())
    if ratios is None:
        pytest.skip(f"benchmarks/record.json has no record of a processor with {kind()}")
    command = [sys.executable, "benchmarks/train_step.py", "--batch_sizes=64", "--images=1024", "--rounds=4"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*command, f"--precisions={','.join(ratios)}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    found = {line["precision"]: line["ratio"] for line in lines if "ratio" in line}
    assert found.keys() == ratios.keys()
    for precision, ratio in ratios.items():
        assert found[precision] >= LOST * ratio, f"{precision}: {found[precision]} times plain Keras, was {ratio}"
