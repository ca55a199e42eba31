"""The notebook's cells, run from top to bottom as a reader would; no Jupyter is needed for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


def cells():
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_carries_no_outputs():
    notebook = json.loads(NOTEBOOK.read_text())
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"])


@pytest.mark.slow
def test_the_notebook_runs_and_its_model_learns(tmp_path):
    check = "print('most', float(kl.max()), 'error', float(np.abs(reconstructions - images[few] / 255).mean()))"
    script = "import matplotlib; matplotlib.use('Agg')\n" + "\n".join([*cells(), check])
    (tmp_path / "cells.py").write_text(script)
    path = str(NOTEBOOK.parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); exec(open('cells.py').read())"],
        cwd=tmp_path, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert float(words[words.index("most") + 1]) > 0.5  # nats: some latent is in use
    assert float(words[words.index("error") + 1]) < 0.1
