"""Several replicas compute what one replica computes for the same global batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.training.strategies import strategy

PROGRAM = Path(__file__).with_name("replicas_program.py")
ROOT = Path(__file__).resolve().parents[2]


def start(*arguments, **environment):
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | environment
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    output, errors = process.communicate(timeout=500)
    if process.returncode:
        pytest.fail(errors[-3000:])
    return json.loads(output.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["beta_tc_vae", "factor_vae"])
def test_fifty_steps_on_two_replicas_with_an_odd_batch(objective):
    found = result(start("mirrored", objective, "small", 65, 50))
    assert found["replicas"] == 2 and found["traces"] == 1
    assert found["weights"] < 1e-5 and found["terms"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    ["dip_vae", "annealed_vae", "factorised_support", "ada_gvae", "group_vae", "few_labels", "few_labels_covariance"],
)
def test_other_objectives_on_two_replicas(objective):
    """17 of 33 rows are on the first replica, so that one pair is split."""
    found = result(start("mirrored", objective, "small", 33, 10))
    assert found["weights"] < 1e-5 and found["terms"] < 1e-5


@pytest.mark.slow
def test_batch_norm_has_the_moments_of_both_replicas():
    """One update only: with batch norm and ReLU, rounding errors grow to percents over fifty."""
    found = result(start("mirrored", "beta_tc_vae", "reference", 33, 1))
    assert found["terms"] < 1e-5 and found["first_moments"] < 1e-3


@pytest.mark.slow
def test_bfloat16_on_two_replicas():
    found = result(start("mirrored", "beta_tc_vae", "small", 33, 10, "mixed_bfloat16"))
    assert found["terms"] < 1e-2


@pytest.mark.slow
def test_batch_norm_in_bfloat16_on_two_replicas():
    """One replica computes moments and gradients in TensorFlow's bfloat16 kernel, two by sums in float32."""
    found = result(start("mirrored", "beta_tc_vae", "reference", 33, 1, "mixed_bfloat16"))
    assert found["terms"] < 1e-5 and found["first_moments"] < 2e-2


@pytest.mark.slow
def test_two_processes_of_tf_config_match_one():
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("localhost", 0))
    workers = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    processes = [
        start(
            "multi_worker", "beta_tc_vae", "small", 33, 50,
            TF_CONFIG=json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]  # fmt: skip
    for process in processes:
        found = result(process)
        assert found["replicas"] == 2
        assert found["weights"] < 1e-5 and found["terms"] < 1e-5


def test_strategies_by_name(monkeypatch):
    assert strategy().num_replicas_in_sync == 1
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match="TF_CONFIG, got none"):
        strategy("multi_worker")
    with pytest.raises(UserError, match="got 'tpu'"):
        strategy("tpu")


def test_machines_cannot_be_joined_after_tensorflow_has_started(monkeypatch):
    tf.constant(1.0)
    cluster = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(UserError, match="cannot start here .*executor.name = 'ray'"):
        strategy("multi_worker")
