"""rdl selects TensorFlow's kernels before TensorFlow is imported; in processes without TensorFlow, which start fast."""

import os
import platform
import subprocess
import sys

import pytest

from rdl import kernels

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is selected on x86")


def run(program, **variables):
    """The words that a program prints in a fresh process."""
    environment = {name: value for name, value in os.environ.items() if name != kernels.VARIABLE} | variables
    return subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).split()


REPORT = f"""
import os, sys
from rdl import kernels
print(kernels.selected(), os.environ.get("{kernels.VARIABLE}"), "tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("module", ["rdl", "rdl.api", "rdl.cli.command_line", "rdl.runs", "rdl.cli.train"])
def test_import_selects_onednn_without_importing_tensorflow(module):
    assert run(f"import {module}{REPORT}") == ["oneDNN", "1", "False"]


def test_variable_of_the_user_wins():
    program = f"import rdl.kernels; rdl.kernels.select('oneDNN'){REPORT}"
    assert run(program, **{kernels.VARIABLE: "0"}) == ["Eigen", "0", "False"]


def test_kernels_of_a_run_are_selected():
    assert run(f"import rdl.kernels; rdl.kernels.select('Eigen'){REPORT}") == ["Eigen", "0", "False"]
    for unknown in ("None", "'unknown'", "'other'"):
        assert run(f"import rdl.kernels; rdl.kernels.select({unknown}){REPORT}") == ["oneDNN", "1", "False"]


def test_tensorflow_imported_before_rdl_keeps_its_kernels():
    pretend = "import sys, types; sys.modules['tensorflow'] = types.ModuleType('tensorflow')"
    assert run(f"{pretend}\nimport rdl{REPORT}") == ["unknown", "None", "True"]


def test_kernels_of_a_loaded_tensorflow_are_reported():
    import tensorflow as tf

    assert tf.__version__
    assert kernels.selected() in (kernels.ONEDNN, kernels.EIGEN)
    if os.environ.get(kernels.VARIABLE) in ("0", "1"):
        assert (kernels.selected() == kernels.ONEDNN) == (os.environ[kernels.VARIABLE] == "1")
