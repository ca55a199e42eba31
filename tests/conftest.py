"""Fixtures for all tests: an empty gin configuration, and the folder of reference data."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import gin
import pytest

import rdl  # noqa: F401  (selects TensorFlow's kernels before any test imports TensorFlow)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _clean_gin():
    yield
    gin.clear_config()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and reference scores beside the checkout; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data: {SHARED} is absent (it is not part of the repository)")
    return SHARED
