"""A run whose members train on several devices: `strategy.name = "mirrored"`."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rdl

PROGRAM = Path(__file__).with_name("mirrored_program.py")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_search_on_two_devices_equals_one_on_one_device(tmp_path):
    """Runs in other processes, as logical devices must be created before TensorFlow starts."""
    images = np.random.default_rng(0).integers(0, 256, (45, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    found = {}
    for strategy in ("one_device", "mirrored"):
        command = [sys.executable, str(PROGRAM), strategy, str(tmp_path / "images.npz"), str(tmp_path / strategy)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stderr[-2000:]
        replicas, score = ended.stdout.splitlines()[-1].split()
        means = rdl.load(str(tmp_path / strategy)).encode(images)
        found[strategy] = int(replicas), float(score), means
    assert found["one_device"][0] == 1 and found["mirrored"][0] == 2
    np.testing.assert_allclose(found["mirrored"][1], found["one_device"][1], rtol=1e-3)
    np.testing.assert_allclose(found["mirrored"][2], found["one_device"][2], rtol=0.05, atol=0.02)
