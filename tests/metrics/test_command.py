"""bin/metrics: its table, JSON, refusals, and what it says when it is interrupted."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rdl.cli import command_line
from rdl.metrics import arrays
from third_party.disentanglement_lib.evaluation.metrics import mig

RANDOM = np.random.default_rng(0)
FACTORS = RANDOM.integers(0, [3, 4], size=(120, 2))
CODES = FACTORS + 0.1 * RANDOM.normal(size=FACTORS.shape)


@pytest.fixture
def npz(tmp_path):
    np.savez(tmp_path / "codes.npz", codes=CODES, factors=FACTORS, factor_names=np.array(["shape", "size"]))
    return tmp_path / "codes.npz"


def run(*arguments):
    return command_line.run("metrics", [str(argument) for argument in arguments])


def test_scores_come_as_a_table_and_as_json(npz, tmp_path, capsys):
    assert run(npz, "--metrics", "mig", "--mode", "fixed", "--json", tmp_path / "out.json") == 0
    printed = capsys.readouterr()
    assert "discrete_mig" in printed.out
    assert "split: 80 points train and 40 test" in printed.err
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["configuration"]["mode"] == "fixed"
    assert written["results"]["mig"] == pytest.approx(mig.score(CODES, FACTORS))


def test_factors_are_declared_continuous_by_name(npz, capsys):
    assert run(npz, "--metrics", "factor_vae_metric", "mig", "--continuous=size") == 0
    printed = capsys.readouterr()
    assert "continuous factors: size (4 values" in printed.err
    assert "share one value" in printed.out


def test_an_interrupted_command_does_not_promise_to_continue(npz, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        yield "mig", {"discrete_mig": 0.5}
        raise KeyboardInterrupt

    monkeypatch.setattr(arrays, "score_arrays", interrupt)
    assert run(npz) == 130
    printed = capsys.readouterr()
    assert "0.5" in printed.out  # printed before the interruption
    assert "a new call starts from the beginning" in printed.err


def test_invalid_files_and_options_are_refused_in_one_line(npz, tmp_path, capsys):
    damaged = bytearray(npz.read_bytes())
    damaged[500] ^= 255
    (tmp_path / "damaged.npz").write_bytes(damaged)
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", z=CODES)
    np.savez(tmp_path / "half.npz", codes=CODES)
    np.savez(tmp_path / "transposed.npz", codes=CODES.T, factors=FACTORS.T)
    cases = (
        ([tmp_path / "damaged.npz"], "codes"),
        ([tmp_path / "text.npz"], "npz"),
        ([tmp_path / "other.npz"], "codes"),
        ([tmp_path / "half.npz"], "factors"),
        ([tmp_path / "absent.npz"], "absent.npz"),
        ([tmp_path / "transposed.npz"], "transpose"),
        ([npz, "--seeds", 0], "--seeds"),
        ([npz, "--metrics", "beta"], "beta"),
        ([npz, "--continuous=colour"], "colour"),
    )
    for arguments, name in cases:
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1
        assert name in error


def test_the_command_needs_no_tensorflow():
    script = "import sys; import rdl.metrics.arrays, rdl.cli.metrics; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
