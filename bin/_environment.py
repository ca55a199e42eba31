"""Imported first by every binary: makes sure that it runs where rdl and its packages are installed.

The user's own environment is taken if it has them; else the checkout's ``.venv``, which bin/quickstart makes.
"""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if any(importlib.util.find_spec(name) is None for name in ("tensorflow", "gin", "jinja2", "rich")):
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists() or Path(sys.prefix) == ROOT / ".venv":
        print(
            "rdl's packages are not installed in this Python, and the checkout has no working .venv: "
            "run bin/quickstart, or `pip install -e .` in your own environment.",
            file=sys.stderr,
        )
        sys.exit(2)
    os.execv(python, [str(python), *sys.argv])
