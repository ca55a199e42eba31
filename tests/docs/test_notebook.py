"""Runs the notebook's cells from top to bottom, without Jupyter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


def read_cells():
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_notebook_has_its_outputs_in_order():
    notebook = json.loads(NOTEBOOK.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert all(cell["outputs"] for cell in code)
    assert not any("/tmp" in str(cell["outputs"]) or "/home" in str(cell["outputs"]) for cell in code)


@pytest.mark.slow
def test_notebook_runs_and_its_model_learns(tmp_path):
    check = "print('max_kl', float(kl.max()), 'error', float(np.abs(reconstructions - images[few] / 255).mean()))"
    script = "import matplotlib; matplotlib.use('Agg')\n" + "\n".join([*read_cells(), check])
    (tmp_path / "cells.py").write_text(script)
    path = str(NOTEBOOK.parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); exec(open('cells.py').read())"],
        cwd=tmp_path, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert float(words[words.index("max_kl") + 1]) > 0.5  # nats: at least one latent is active
    assert float(words[words.index("error") + 1]) < 0.1
